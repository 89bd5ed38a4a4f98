"""Things on stuff with the ids of COCO-Stuff: animals, vehicles, food, people at play, rooms."""

from sdm_bench.toy import interiors, land, outdoors, tableware
from sdm_bench.toy.animals import animal, bird, plane, teddy
from sdm_bench.toy.canvas import Canvas
from sdm_bench.toy.houses import town
from sdm_bench.toy.ids import THING_OF_PLACE, UNLABELED
from sdm_bench.toy.ids import Thing as Id
from sdm_bench.toy.paint import BLACK, Light, daylight, pick
from sdm_bench.toy.play import kite, parasol, person, skier, surfer
from sdm_bench.toy.props import Spot, bush, tree
from sdm_bench.toy.shapes import ellipse, rect
from sdm_bench.toy.traffic import hydrant, long_vehicle, side_bicycle, side_car, stop_sign

ASPECT = 1.0


def paint(canvas: Canvas) -> Light:
    """Paints a picture, at times past something near that nobody labelled; gives the light for the photograph."""
    light = canvas.geometry.choice(SCENES)(canvas)
    if canvas.geometry.chance(0.15):
        edge = canvas.geometry.choice((rect(-1, -1, 0.06, 2), rect(0.93, -1, 2, 2)))
        canvas.paint(edge, pick(canvas.look, (0x3A3430, 0x6A5A4A, 0x4A5058)), UNLABELED, soft=0.03)
    return light


def _herd(canvas: Canvas, light: Light, kinds: dict[str, int], top: float, count: tuple[int, int]) -> None:
    """Animals of one kind on the ground below y = `top`, far ones first."""
    dice = canvas.geometry
    kind = dice.choice(tuple(kinds))
    size = {"giraffe": 0.36, "elephant": 0.34, "sheep": 0.2, "dog": 0.18}.get(kind, 0.27)
    for y in sorted(dice.floats(dice.integer(*count), top + 0.1, 0.95)):
        height = size * (0.45 + 1.3 * (y - top))
        spot = Spot(dice.between(0.12, 0.88), y, height, kinds[kind], canvas.new_thing())
        animal(canvas, light, kind, spot, dice.sign())


def meadow(canvas: Canvas) -> Light:
    """Cows, horses or sheep on grass before hills and woods, at times with their keeper or a fence."""
    dice, look = canvas.geometry, canvas.look
    light, top = daylight(look), dice.between(0.42, 0.55)
    land.air(canvas, light, top, Id.SKY)
    if dice.chance(0.4):
        land.mountains(canvas, light, top + 0.01, dice.between(0.12, 0.25), Id.MOUNTAIN)
    else:
        land.hills(canvas, light, top + 0.01, dice.between(0.06, 0.14), Id.HILL)
    if dice.chance(0.7):
        land.woods(canvas, light, top + 0.01, dice.between(0.05, 0.12), Id.TREE)
    land.plain(canvas, light, top, Id.GRASS, land.MEADOW)
    if dice.chance(0.4):
        outdoors.fence(canvas, light, top + 0.1, (0.4, 0.4), Id.FENCE)
    _herd(canvas, light, {"cow": Id.COW, "horse": Id.HORSE, "sheep": Id.SHEEP}, top, (1, 4))
    if dice.chance(0.3):
        person(canvas, light, dice.between(0.1, 0.9), dice.between(0.85, 0.97), 0.36)
    return light


def savanna(canvas: Canvas) -> Light:
    """Elephants, zebras or giraffes on dry ground with bushes."""
    dice, look = canvas.geometry, canvas.look
    light, top = daylight(look), dice.between(0.48, 0.6)
    land.air(canvas, light, top, Id.SKY)
    if dice.chance(0.5):
        land.hills(canvas, light, top + 0.01, dice.between(0.05, 0.1), Id.HILL, 8)
    land.grove(canvas, light, top - 0.01, dice.integer(0, 3), Id.TREE, (0.16, 0.28))
    dry = dice.chance(0.6)
    land.plain(canvas, light, top, Id.DIRT if dry else Id.GRASS, land.EARTH if dry else land.MEADOW[3:])
    for x in dice.floats(dice.integer(1, 4), 0, 1):
        bush(canvas, light, dice, look, Spot(x, top + dice.between(0.02, 0.2), dice.between(0.06, 0.12), Id.BUSH), 1.4)
    kinds = {"elephant": Id.ELEPHANT, "zebra": Id.ZEBRA, "giraffe": Id.GIRAFFE, "bear": Id.BEAR}
    _herd(canvas, light, {name: int(label) for name, label in kinds.items()}, top, (1, 3))
    return light


def shore(canvas: Canvas) -> Light:
    """The beach of ADE20K with a kite, an umbrella, surfers or birds."""
    dice = canvas.geometry
    with canvas.renaming(THING_OF_PLACE, UNLABELED):
        light = outdoors.beach(canvas)
    for _ in range(dice.integer(0, 3)):
        bird(
            canvas,
            Spot(
                dice.between(0.1, 0.9), dice.between(0.08, 0.3), dice.between(0.04, 0.09), Id.BIRD, canvas.new_thing()
            ),
        )
    if dice.chance(0.5):
        kite(canvas, dice.between(0.15, 0.85), dice.between(0.1, 0.25), dice.between(0.07, 0.11))
    x, y = dice.between(0.15, 0.85), dice.between(0.88, 0.96)
    if dice.chance(0.5):
        parasol(canvas, light, x, y, dice.between(0.25, 0.32))
    else:
        surfer(canvas, light, x, y)
    return light


def snow(canvas: Canvas) -> Light:
    """Skiers or snowboarders on a slope with firs, mountains behind."""
    dice, look = canvas.geometry, canvas.look
    light, top = daylight(look), dice.between(0.4, 0.52)
    land.air(canvas, light, top, Id.SKY)
    land.mountains(canvas, light, top + 0.03, dice.between(0.18, 0.32), Id.MOUNTAIN)
    if dice.chance(0.6):
        land.woods(canvas, light, top + 0.02, dice.between(0.05, 0.1), Id.TREE)
    land.plain(canvas, light, top, Id.SNOW, land.SNOW, 0.03)
    for x in dice.floats(dice.integer(0, 3), 0, 1):
        tree(
            canvas,
            light,
            dice,
            look,
            Spot(x, top + dice.between(0.02, 0.12), dice.between(0.2, 0.35), Id.TREE),
            conifer=1,
        )
    for y in sorted(dice.floats(dice.integer(1, 3), top + 0.22, 0.95)):
        x, high = dice.between(0.15, 0.85), 0.1 + 0.5 * (y - top)
        skier(canvas, light, Spot(x, y, high, Id.SKIS if dice.chance(0.6) else Id.SNOWBOARD, canvas.new_thing()))
    return light


def street(canvas: Canvas) -> Light:
    """A bus, a truck or cars before houses; people, a hydrant, a stop sign."""
    dice, look = canvas.geometry, canvas.look
    light, kerb = daylight(look), dice.between(0.58, 0.66)
    land.air(canvas, light, kerb, Id.SKY)
    town(canvas, light, kerb, Id.BUILDING, (0.25, 0.5))
    walk = kerb + 0.09
    outdoors.pavement(canvas, kerb, walk, Id.PAVEMENT)
    outdoors.roadway(canvas, walk, Id.ROAD)
    for x in dice.floats(dice.integer(0, 2), 0, 1):
        tree(canvas, light, dice, look, Spot(x, walk - 0.03, dice.between(0.3, 0.42), Id.TREE))
    for x in dice.floats(dice.integer(0, 3), 0, 1):
        person(canvas, light, x, walk - 0.02, dice.between(0.18, 0.22))
    lane = dice.between(walk + 0.1, walk + 0.14)
    kind = dice.choice((Id.BUS, Id.TRUCK, Id.CAR, Id.CAR))
    if kind == Id.CAR:
        side_car(
            canvas, light, look, (dice.between(0.2, 0.8), lane, dice.between(0.42, 0.55)), (kind, canvas.new_thing())
        )
    else:
        long_vehicle(canvas, light, (dice.between(0.35, 0.65), lane, dice.between(0.6, 0.8)), kind, canvas.new_thing())
    near = dice.between(0.93, 0.98)
    if dice.chance(0.4):
        side_car(canvas, light, look, (dice.between(0.1, 0.9), near, 0.6), (Id.CAR, canvas.new_thing()))
    elif dice.chance(0.5):
        side_bicycle(canvas, light, Spot(dice.between(0.2, 0.8), near, 0.2, Id.BICYCLE, canvas.new_thing()), Id.PERSON)
    if dice.chance(0.5):
        hydrant(canvas, light, Spot(dice.between(0.1, 0.9), walk, 0.13, Id.FIRE_HYDRANT, canvas.new_thing()))
    if dice.chance(0.5):
        stop_sign(canvas, Spot(dice.between(0.1, 0.9), walk, 0.4, Id.STOP_SIGN, canvas.new_thing()))
    return light


def railway(canvas: Canvas) -> Light:
    """A train in open country."""
    dice = canvas.geometry
    light, top = daylight(canvas.look), dice.between(0.45, 0.52)
    land.air(canvas, light, top, Id.SKY)
    land.hills(canvas, light, top + 0.01, dice.between(0.06, 0.14), Id.HILL)
    land.woods(canvas, light, top + 0.06, dice.between(0.06, 0.14), Id.TREE)
    land.plain(canvas, light, top + 0.05, Id.GRASS, land.MEADOW)
    rails = dice.between(0.72, 0.8)
    outdoors.track(canvas, rails, Id.RAILROAD)
    long_vehicle(canvas, light, (dice.between(0.3, 0.7), rails + 0.02, 1.1), Id.TRAIN, canvas.new_thing())
    bush(canvas, light, dice, canvas.look, Spot(dice.between(0, 1), 0.97, dice.between(0.1, 0.18), Id.BUSH), 1.4)
    return light


def airfield(canvas: Canvas) -> Light:
    """An aeroplane in the air or on the ground."""
    dice = canvas.geometry
    flies = dice.chance(0.5)
    light, top = daylight(canvas.look), dice.between(0.75, 0.85) if flies else dice.between(0.5, 0.58)
    land.air(canvas, light, top, Id.SKY)
    land.woods(canvas, light, top + 0.01, dice.between(0.04, 0.08), Id.TREE, 8)
    land.plain(canvas, light, top, Id.GRASS, land.MEADOW)
    size, thing, facing = dice.between(0.28, 0.4), canvas.new_thing(), dice.sign()
    if flies:
        spot = Spot(dice.between(0.35, 0.65), dice.between(0.3, 0.5), size, Id.AIRPLANE, thing)
    else:
        outdoors.roadway(canvas, top + 0.12, Id.PAVEMENT)
        spot = Spot(dice.between(0.4, 0.6), top + 0.12, size, Id.AIRPLANE, thing)
        canvas.paint(ellipse(spot.x, spot.y + 0.24 * size, size, 0.1 * size), BLACK, opacity=0.4, soft=0.1 * size)
    plane(canvas, light, spot, facing, wheels=not flies)
    return light


def home(canvas: Canvas) -> Light:
    """A living room or a kitchen of ADE20K with a cat, a dog or a teddy bear."""
    dice = canvas.geometry
    with canvas.renaming(THING_OF_PLACE, UNLABELED):
        light = dice.choice((interiors.living_room, interiors.living_room, interiors.kitchen))(canvas)
    x, y, size = dice.between(0.2, 0.8), dice.between(0.86, 0.96), dice.between(0.15, 0.2)
    kind = dice.integer(0, 2)
    if kind == 2:
        teddy(canvas, light, Spot(x, y, 1.5 * size, Id.TEDDY_BEAR, canvas.new_thing()))
    else:
        label = (Id.CAT, Id.DOG)[kind]
        animal(canvas, light, ("cat", "dog")[kind], Spot(x, y, size, label, canvas.new_thing()), dice.sign())
    return light


SCENES = (
    *(meadow, savanna, shore, snow, street, tableware.meal, home) * 2,
    railway,
    airfield,
)
