"""The official ids, as files hold them, of the classes that occur in toy scenes."""

from enum import IntEnum


class Street(IntEnum):
    """Cityscapes labelIds."""

    EGO = 1
    STATIC = 4
    ROAD = 7
    SIDEWALK = 8
    BUILDING = 11
    WALL = 12
    FENCE = 13
    POLE = 17
    LIGHT = 19
    SIGN = 20
    VEGETATION = 21
    TERRAIN = 22
    SKY = 23
    PERSON = 24
    RIDER = 25
    CAR = 26
    TRUCK = 27
    BUS = 28
    BICYCLE = 33


class Place(IntEnum):
    """ADE20K SceneParse150."""

    UNKNOWN = 0
    WALL = 1
    BUILDING = 2
    SKY = 3
    FLOOR = 4
    TREE = 5
    CEILING = 6
    ROAD = 7
    BED = 8
    WINDOW = 9
    GRASS = 10
    CABINET = 11
    SIDEWALK = 12
    PERSON = 13
    EARTH = 14
    DOOR = 15
    TABLE = 16
    MOUNTAIN = 17
    PLANT = 18
    CURTAIN = 19
    CHAIR = 20
    CAR = 21
    WATER = 22
    PAINTING = 23
    SOFA = 24
    HOUSE = 26
    SEA = 27
    MIRROR = 28
    RUG = 29
    FIELD = 30
    FENCE = 33
    ROCK = 35
    LAMP = 37
    CUSHION = 40
    SAND = 47
    SKYSCRAPER = 49
    REFRIGERATOR = 51
    PATH = 53
    PILLOW = 58
    BOOKCASE = 63
    COFFEE_TABLE = 65
    FLOWER = 67
    HILL = 69
    COUNTERTOP = 71
    STOVE = 72
    BOAT = 77
    TELEVISION = 90


class Face(IntEnum):
    """CelebAMask-HQ, all of them; left and right are the sitter's."""

    BACKGROUND = 0
    SKIN = 1
    NOSE = 2
    GLASSES = 3
    LEFT_EYE = 4
    RIGHT_EYE = 5
    LEFT_BROW = 6
    RIGHT_BROW = 7
    LEFT_EAR = 8
    RIGHT_EAR = 9
    MOUTH = 10
    UPPER_LIP = 11
    LOWER_LIP = 12
    HAIR = 13
    HAT = 14
    EARRING = 15
    NECKLACE = 16
    NECK = 17
    CLOTH = 18


class Thing(IntEnum):
    """COCO-Stuff: things up to LAST_THING, stuff after them."""

    PERSON = 0
    BICYCLE = 1
    CAR = 2
    AIRPLANE = 4
    BUS = 5
    TRAIN = 6
    TRUCK = 7
    BOAT = 8
    TRAFFIC_LIGHT = 9
    FIRE_HYDRANT = 10
    STOP_SIGN = 12
    BENCH = 14
    BIRD = 15
    CAT = 16
    DOG = 17
    HORSE = 18
    SHEEP = 19
    COW = 20
    ELEPHANT = 21
    BEAR = 22
    ZEBRA = 23
    GIRAFFE = 24
    UMBRELLA = 27
    SKIS = 34
    SNOWBOARD = 35
    KITE = 37
    SURFBOARD = 41
    BOTTLE = 43
    WINE_GLASS = 45
    CUP = 46
    BOWL = 50
    BANANA = 51
    APPLE = 52
    ORANGE = 54
    PIZZA = 58
    DONUT = 59
    CAKE = 60
    CHAIR = 61
    COUCH = 62
    POTTED_PLANT = 63
    DINING_TABLE = 66
    TV = 71
    OVEN = 78
    REFRIGERATOR = 81
    BOOK = 83
    VASE = 85
    TEDDY_BEAR = 87
    BUILDING = 95
    BUSH = 96
    CABINET = 97
    CEILING = 101
    COUNTER = 106
    CURTAIN = 108
    DIRT = 110
    DOOR = 111
    FENCE = 112
    FLOOR_WOOD = 117
    FLOWER = 118
    FURNITURE = 122
    GRASS = 123
    HILL = 126
    HOUSE = 127
    LIGHT = 129
    MOUNTAIN = 134
    PAVEMENT = 139
    PILLOW = 140
    RAILROAD = 146
    ROAD = 148
    ROCK = 149
    RUG = 151
    SAND = 153
    SEA = 154
    SHELF = 155
    SKY = 156
    SKYSCRAPER = 157
    SNOW = 158
    TABLE = 164
    TREE = 168
    WALL_BRICK = 170
    WALL = 171
    WATER = 177
    WINDOW = 180


LAST_THING = 90
UNLABELED = 255

# What a place's ids are called in COCO-Stuff; what it has no word for (a painting) is unlabeled.
THING_OF_PLACE: dict[int, int] = {
    Place.WALL: Thing.WALL,
    Place.SKY: Thing.SKY,
    Place.FLOOR: Thing.FLOOR_WOOD,
    Place.TREE: Thing.TREE,
    Place.CEILING: Thing.CEILING,
    Place.WINDOW: Thing.WINDOW,
    Place.CABINET: Thing.CABINET,
    Place.PERSON: Thing.PERSON,
    Place.DOOR: Thing.DOOR,
    Place.TABLE: Thing.DINING_TABLE,
    Place.PLANT: Thing.POTTED_PLANT,
    Place.CURTAIN: Thing.CURTAIN,
    Place.CHAIR: Thing.CHAIR,
    Place.SOFA: Thing.COUCH,
    Place.SEA: Thing.SEA,
    Place.RUG: Thing.RUG,
    Place.ROCK: Thing.ROCK,
    Place.LAMP: Thing.LIGHT,
    Place.CUSHION: Thing.PILLOW,
    Place.SAND: Thing.SAND,
    Place.REFRIGERATOR: Thing.REFRIGERATOR,
    Place.BOOKCASE: Thing.SHELF,
    Place.COFFEE_TABLE: Thing.TABLE,
    Place.FLOWER: Thing.FLOWER,
    Place.HILL: Thing.HILL,
    Place.COUNTERTOP: Thing.COUNTER,
    Place.STOVE: Thing.OVEN,
    Place.BOAT: Thing.BOAT,
    Place.TELEVISION: Thing.TV,
}
