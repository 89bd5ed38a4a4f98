"""The plan of a toy street: where the road, the sidewalks and the fronts of the houses run."""

from dataclasses import dataclass

from sdm_bench.toy.camera import Camera
from sdm_bench.toy.dice import Dice


@dataclass(frozen=True)
class Street:
    """The plan of a street, in the camera's units.

    left, right: edges of the road; pavement: widths of the two sidewalks; verge: of the green beside them.
    crossing: depths between which another road crosses, or None.
    """

    camera: Camera
    left: float
    right: float
    pavement: tuple[float, float]
    verge: tuple[float, float]
    crossing: tuple[float, float] | None

    def edge(self, side: int) -> float:
        """The road's edge on the left (-1) or right (1)."""
        return self.left if side < 0 else self.right

    def kerb_to_wall(self, side: int) -> float:
        """From the road's edge to the front of the houses."""
        index = (side + 1) // 2
        return self.pavement[index] + self.verge[index]

    def front(self, side: int) -> float:
        """Where the houses of a side begin."""
        return self.edge(side) + side * self.kerb_to_wall(side)


def plan(dice: Dice) -> Street:
    """A street of its own."""
    camera = Camera(dice.between(0.4, 0.5), dice.between(0.75, 1.25))
    lanes = dice.choice((1, 1, 2))
    middle = dice.between(-0.6, 0.8)
    half = lanes * dice.between(1.3, 1.7)
    verge = tuple(dice.between(0.8, 2.5) if dice.chance(0.35) else 0.0 for _ in range(2))
    pavement = tuple(dice.floats(2, 0.9, 2.0))
    crossing = dice.between(7, 13)
    return Street(
        camera=camera,
        left=middle - half - 0.8,
        right=middle + half,
        pavement=(pavement[0], pavement[1]),
        verge=(verge[0], verge[1]),
        crossing=(crossing, crossing + dice.between(3, 5)) if dice.chance(0.4) else None,
    )
