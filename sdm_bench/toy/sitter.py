"""Who sits for a toy portrait: the plan of the head, and the colours of skin, hair, lips and eyes."""

from dataclasses import dataclass

import numpy as np

from sdm_bench.toy.canvas import Colour
from sdm_bench.toy.dice import Dice
from sdm_bench.toy.paint import mix, pick, rgb, vary
from sdm_bench.toy.props import HAIR, SKIN


@dataclass(frozen=True)
class Head:
    """The plan of a head, in the frame.

    x, y: the point between the eyes. half: half its width at the eyes. chin: y of the chin. turn: -1..1, where the
    sitter looks. style: of the hair. smile: how far the mouth's corners rise. gap: between the lips.
    """

    x: float
    y: float
    half: float
    chin: float
    turn: float
    style: str
    smile: float
    gap: float

    @staticmethod
    def drawn(dice: Dice) -> "Head":
        return Head(
            x=dice.between(0.47, 0.53),
            y=dice.between(0.45, 0.5),
            half=dice.between(0.215, 0.25),
            chin=dice.between(0.82, 0.88),
            turn=dice.between(-1, 1),
            style=dice.choice(("long", "long", "bob", "short", "short", "curly", "bald")),
            smile=dice.between(-0.004, 0.018),
            gap=dice.between(0.02, 0.042) if dice.chance(0.45) else 0.0,
        )

    @property
    def nose(self) -> float:
        """x of the middle of the features, which a turned head shifts."""
        return self.x + 0.035 * self.turn

    def eye(self, side: int) -> float:
        """x of an eye; `side` is 1 for the sitter's left, on the right of the picture."""
        return self.nose + side * self.half * (0.55 - 0.06 * side * self.turn)


@dataclass(frozen=True)
class Tones:
    """The colours of a sitter."""

    skin: Colour
    hair: Colour
    lips: Colour
    iris: Colour

    @staticmethod
    def drawn(look: Dice) -> "Tones":
        skin = pick(look, SKIN, 0.04)
        fair = float(skin.mean()) > 0.6
        return Tones(
            skin=skin,
            hair=pick(look, (*HAIR, 0xC8A25E, 0x8A4A28) if fair else HAIR[:2] + HAIR[4:], 0.04),
            lips=mix(skin * np.float32(0.85), vary(look, rgb(0xB0343F)), look.between(0.25, 0.6)),
            iris=pick(look, (0x4A3222, 0x3F6482, 0x5A7448, 0x5A4630) if fair else (0x3A261A, 0x4A3222)),
        )
