"use strict";
// The label map that is painted: classes as numbers, tools, and what can be undone.

class Painting {
  constructor(canvas, width, height, label, colors) {
    Object.assign(this, { canvas, width, height, colors, label: Int16Array.from(label), source: label });
    this.undone = [];
    this.done = [];
    this.opacity = 1;
    this.changed = () => {};
    canvas.width = width;
    canvas.height = height;
    this.context = canvas.getContext("2d");
    this.draw();
  }

  // The pixel under a pointer, also beyond the borders.
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [
      Math.floor((event.clientX - box.left) / box.width * this.width),
      Math.floor((event.clientY - box.top) / box.height * this.height),
    ];
  }

  inside(x, y) {
    return x >= 0 && y >= 0 && x < this.width && y < this.height;
  }

  edited() {
    return this.label.some((value, place) => value !== this.source[place]);
  }

  begin() {
    this.before = this.label.slice();
  }

  // Keeps what was before, where anything is different.
  end() {
    if (this.before && this.before.some((value, place) => value !== this.label[place])) {
      this.done.push(this.before);
      this.undone = [];
      this.changed();
    }
    this.before = null;
  }

  dab(x, y, size, value) {
    const radius = size / 2;
    for (let row = Math.ceil(y - radius); row <= y + radius; row++) {
      for (let column = Math.ceil(x - radius); column <= x + radius; column++) {
        const near = (row - y) ** 2 + (column - x) ** 2 <= radius * radius;
        if (near && this.inside(column, row)) this.label[row * this.width + column] = value;
      }
    }
  }

  line(from, to, size, value) {
    const steps = Math.max(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1]), 1);
    for (let step = 0; step <= steps; step++) {
      const share = step / steps;
      this.dab(Math.round(from[0] + (to[0] - from[0]) * share), Math.round(from[1] + (to[1] - from[1]) * share), size, value);
    }
    this.draw();
  }

  // The region of one class around a pixel, by sides.
  fill(x, y, value) {
    if (!this.inside(x, y)) return;
    const old = this.label[y * this.width + x];
    if (old === value) return;
    const waiting = [[x, y]];
    while (waiting.length) {
      const [column, row] = waiting.pop();
      if (!this.inside(column, row) || this.label[row * this.width + column] !== old) continue;
      this.label[row * this.width + column] = value;
      waiting.push([column + 1, row], [column - 1, row], [column, row + 1], [column, row - 1]);
    }
    this.draw();
  }

  replace(label) {
    this.begin();
    this.label = Int16Array.from(label);
    this.end();
    this.draw();
  }

  undo() {
    this._move(this.done, this.undone);
  }

  redo() {
    this._move(this.undone, this.done);
  }

  _move(from, to) {
    if (!from.length) return;
    to.push(this.label);
    this.label = from.pop();
    this.draw();
    this.changed();
  }

  draw() {
    const pixels = this.context.createImageData(this.width, this.height);
    for (let place = 0; place < this.label.length; place++) {
      pixels.data.set(this.colors[this.label[place]], 4 * place);
      pixels.data[4 * place + 3] = Math.round(255 * this.opacity);
    }
    this.context.putImageData(pixels, 0, 0);
  }
}
