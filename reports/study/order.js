// What a participant is shown: which pairs, in which order, on which sides. One seed always gives the same.

// Mulberry32: numbers in [0, 1).
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffled(list, next) {
  const mixed = [...list];
  for (let place = mixed.length - 1; place > 0; place -= 1) {
    const other = Math.floor(next() * (place + 1));
    [mixed[place], mixed[other]] = [mixed[other], mixed[place]];
  }
  return mixed;
}

// Pairs that are shown twice are among the first third, and again, sides swapped, in the last third.
function orderOf(items, repeats, seed) {
  const next = randomNumbers(seed);
  const order = shuffled(items, next).map((item) => ({ item, showing: 1, swapped: next() < 0.5 }));
  const third = Math.floor(order.length / 3);
  const last = order.splice(order.length - third);
  for (const { item, swapped } of shuffled(order.slice(0, third), next).slice(0, repeats)) {
    last.splice(Math.floor(next() * (last.length + 1)), 0, { item, showing: 2, swapped: !swapped });
  }
  return [...order, ...last];
}
