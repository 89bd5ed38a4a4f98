"""Street scenes with the ids of Cityscapes: a road between two rows of houses or trees, traffic, people, signs."""

import numpy as np

from sdm_bench.toy import roadside
from sdm_bench.toy.camera import Camera
from sdm_bench.toy.canvas import Canvas, Colour, Paint, Patch
from sdm_bench.toy.dice import Dice
from sdm_bench.toy.houses import PLASTER
from sdm_bench.toy.ids import Street as Id
from sdm_bench.toy.paint import Light, bars, daylight, faded, foliage, hazed, mix, pick, rgb, sky, solid, vary
from sdm_bench.toy.props import RIDING_AWAY, Spot, bicycle, cast, figure, leaf_colour, walking
from sdm_bench.toy.shapes import below, everything, rect
from sdm_bench.toy.streetplan import Street, plan
from sdm_bench.toy.traffic import side_car
from sdm_bench.toy.vehicles import Painter, Vehicle, bus, car, truck

ASPECT = 2.0
FAR = 34.0


def paint(canvas: Canvas) -> Light:
    """Paints a street from the sky to the bonnet; gives the light for the photograph."""
    dice, look = canvas.geometry, canvas.look
    light = daylight(look)
    street = plan(dice)
    canvas.paint(everything(), sky(light, street.camera.horizon), Id.SKY)
    _skyline(canvas, street, light)
    _ground(canvas, street, light)
    for side in (-1, 1):
        roadside.row(canvas, street, light, side)
    _shadows(canvas, street, light)
    _traffic(canvas, street, light)
    _bonnet(canvas, light)
    return light


def _skyline(canvas: Canvas, street: Street, light: Light) -> None:
    """What closes the street far away: houses or trees on the horizon."""
    dice, look, horizon = canvas.geometry, canvas.look, street.camera.horizon
    xs = np.linspace(-0.2, 2.2, 49)
    if dice.chance(0.5):
        heights = np.repeat(dice.floats(13, 0.03, 0.15), 4)[:49]
        colour = hazed(pick(look, PLASTER), light, FAR * 0.8)
        canvas.paint(below(xs, horizon - heights, horizon + 0.05), colour, Id.BUILDING)
    else:
        heights = np.convolve(dice.floats(51, 0.02, 0.12), np.ones(3) / 3, "valid")
        band = below(xs, horizon - heights, horizon + 0.05).rough(0.008, 16)
        canvas.paint(band, hazed(foliage(leaf_colour(look), band.bounds, light, 32), light, FAR * 0.6), Id.VEGETATION)


def _ground(canvas: Canvas, street: Street, light: Light) -> None:
    camera, look = street.camera, canvas.look
    grass, earth = vary(look, rgb(0x74854A)), vary(look, rgb(0x8F8468))
    dry = look.between(0.1, 0.5)

    def lawn(p: Patch) -> Colour:
        return mix(grass, earth, np.clip(dry + 0.25 * p.cloud(6, 20), 0, 1))

    ground = rect(-1, camera.horizon + 1 / FAR, 3, 2)
    canvas.paint(ground, _air(lawn, camera, light), Id.TERRAIN)
    for side in (-1, 1):
        edge = street.edge(side)
        outer = edge + side * street.pavement[(side + 1) // 2]
        strip = camera.strip(edge, outer, 0.8, FAR)
        canvas.paint(strip, _air(_slabs(camera, look), camera, light), Id.SIDEWALK)
        kerb = camera.strip(edge, edge + side * 0.12, 0.8, FAR)
        canvas.paint(kerb, rgb(0xB9B6AE), opacity=0.6)
    asphalt = _air(_asphalt(street, look), camera, light)
    canvas.paint(camera.strip(street.left, street.right, 0.8, FAR), asphalt, Id.ROAD)
    if street.crossing:
        near, far = street.crossing
        canvas.paint(camera.strip(-40, 40, near, far), asphalt, Id.ROAD)


def _air(material: Paint, camera: Camera, light: Light) -> Paint:
    """Ground seen through the haze, which grows with depth."""

    def through(p: Patch) -> Colour:
        depth = 1 / np.maximum(p.y - camera.horizon, 1 / FAR)
        return faded(material(p), light, depth)

    return through


def _slabs(camera: Camera, look: Dice) -> Paint:
    colour = pick(look, (0x9C9890, 0xA8A39A, 0x8E8A86, 0xA39484), 0.04)

    def material(p: Patch) -> Colour:
        across, depth = camera.ground(p)
        joints = np.maximum(bars(across * 1.6, 0, 0.07), bars(depth * 1.3, 0, 0.09)) * np.clip(1.6 - depth / 6, 0, 1)
        return colour * (1 + 0.03 * p.noise(64) + 0.05 * p.noise(6, 16) - 0.16 * joints)

    return material


def _asphalt(street: Street, look: Dice) -> Paint:
    """The road's surface with lane marks; a zebra before a crossing."""
    colour = pick(look, (0x5E5F62, 0x6A6865, 0x54565C, 0x716C68), 0.03)
    lines, zebra = look.chance(0.8), look.chance(0.6)
    middle = (street.left + street.right) / 2
    period = look.between(1.6, 2.6)

    def material(p: Patch) -> Colour:
        across, depth = street.camera.ground(p)
        worn = 1 + 0.03 * p.noise(64) + 0.03 * p.noise(4, 32) - 0.05 * bars(across / 1.4, 0.2, 0.45, 0.2)
        white = np.zeros_like(across)
        if lines:
            dash = (np.abs(across - middle) < 0.07) * bars(depth / period, 0, 0.5)
            sides = np.minimum(np.abs(across - street.left - 0.25), np.abs(across - street.right + 0.25)) < 0.045
            white = np.maximum(dash, sides * 0.7)
        if street.crossing:
            near, far = street.crossing
            white = white * ((depth < near) | (depth > far))
            if zebra:
                band = (depth > near - 1.6) & (depth < near - 0.3)
                white = np.where(band, bars(across / 0.75, 0, 0.5, 0.1), white)
        return mix(colour * worn, rgb(0xDAD8D0), white * 0.8)

    return material


def _shadows(canvas: Canvas, street: Street, light: Light) -> None:
    """The row on the light's side throws its shadow over sidewalk and road."""
    side = 1 if light.side > 0 else -1
    reach = street.kerb_to_wall(side) + canvas.look.between(-0.3, 1.6)
    front = street.front(side)
    cast(canvas, light, street.camera.strip(front, front - side * reach, 0.8, FAR), 0.5 * light.sun)


def _traffic(canvas: Canvas, street: Street, light: Light) -> None:
    """Everything that stands or moves on the ground, far things first."""
    dice = canvas.geometry
    queue = roadside.furniture(canvas, street, light) + _vehicles(canvas, street, light)
    queue += _people(canvas, street, light)
    if street.crossing and dice.chance(0.5):
        depth = sum(street.crossing) / 2
        place = (dice.between(0.5, 1.5), street.camera.at(0, 0, depth)[1], 3.3 / depth)
        queue.append((depth, lambda: side_car(canvas, light, canvas.look, place, (Id.CAR, canvas.new_thing()))))
    for _, draw in sorted(queue, key=lambda item: -item[0]):
        draw()


def _vehicles(canvas: Canvas, street: Street, light: Light) -> list[roadside.Job]:
    dice = canvas.geometry
    middle = (street.left + street.right) / 2
    lanes = [(street.right - 0.75, True, 0.55), (street.left + 0.75, False, 0.55)]
    if street.right - street.left > 4.4:
        lanes += [(middle + 0.8, True, 0.6), (middle - 0.8, False, 0.5)]
    jobs = []
    for across, rear, density in lanes:
        depth = dice.between(3.2, 6)
        while depth < 18:
            if dice.chance(density) and not _crosses(street, depth):
                jobs.append(_vehicle(canvas, street, light, across + dice.between(-0.12, 0.12), depth, rear))
            depth += dice.between(2.6, 5.5) * (1 + depth / 15)
    return jobs


def _crosses(street: Street, depth: float) -> bool:
    return street.crossing is not None and street.crossing[0] - 2.5 < depth < street.crossing[1] + 0.5


def _vehicle(canvas: Canvas, street: Street, light: Light, across: float, depth: float, rear: bool) -> roadside.Job:
    dice = canvas.geometry
    kind = dice.between(0, 1)
    wide = dice.between(1.3, 1.45)
    label = Id.CAR if kind < 0.78 or depth < 4.2 else Id.BUS if kind < 0.89 else Id.TRUCK

    def draw() -> None:
        painter = Painter(canvas, street.camera, light, Vehicle(across, depth, rear, label, canvas.new_thing()))
        if label == Id.CAR:
            car(painter, canvas.look, wide)
        else:
            (bus if label == Id.BUS else truck)(painter, canvas.look)

    return depth, draw


def _people(canvas: Canvas, street: Street, light: Light) -> list[roadside.Job]:
    dice, jobs = canvas.geometry, []
    for _ in range(dice.integer(1, 5)):
        side, depth = dice.sign(), 2.6 + 8 * dice.between(0, 1) ** 1.6
        on_walk = street.edge(side) + side * street.pavement[(side + 1) // 2] * dice.between(0.25, 0.8)
        across = on_walk if dice.chance(0.85) else dice.between(street.left, street.right)
        jobs.append(_person(canvas, street, light, across, depth))
    if dice.chance(0.5):
        jobs.append(_rider(canvas, street, light, street.right - dice.between(0.3, 1.2), dice.between(2.6, 6.5)))
    return jobs


def _person(canvas: Canvas, street: Street, light: Light, across: float, depth: float) -> roadside.Job:
    x, y = street.camera.at(across, 0, depth)
    height, pose = canvas.geometry.between(1.15, 1.35) / depth, walking(canvas.geometry)

    def draw() -> None:
        figure(canvas, light, canvas.look, Spot(x, y, height, Id.PERSON, canvas.new_thing(), depth), pose)

    return depth, draw


def _rider(canvas: Canvas, street: Street, light: Light, across: float, depth: float) -> roadside.Job:
    x, y = street.camera.at(across, 0, depth)

    def draw() -> None:
        wheels = Spot(x, y, 0.78 / depth, Id.BICYCLE, canvas.new_thing(), depth)
        bicycle(canvas, light, canvas.look, wheels, seen_from_side=False)
        figure(canvas, light, canvas.look, Spot(x, y, 1.35 / depth, Id.RIDER, canvas.new_thing(), depth), RIDING_AWAY)

    return depth, draw


def _bonnet(canvas: Canvas, light: Light) -> None:
    """The front of the camera's own car, in some scenes."""
    if not canvas.geometry.chance(0.5):
        return
    xs = np.linspace(-0.1, 2.1, 23)
    edge = 0.93 + canvas.geometry.between(0, 0.03) + 0.06 * (xs - 1) ** 2
    metal = mix(pick(canvas.look, (0x1B1D20, 0x2C333C, 0x3A3F45)), light.sky_low, 0.12)
    canvas.paint(below(xs, edge), solid(metal, (0, 0.93, 2, 1.1), light, 1.5), Id.EGO)
