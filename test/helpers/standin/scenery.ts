/** Pictures that look like photographs, drawn pixel by pixel: no downloaded file, the same bytes everywhere. */

type Colour = readonly [number, number, number];
/** The colour at `x` and `y`, both from 0 at the left and the top; `y` is 1 at the bottom. */
type Scene = (x: number, y: number) => Colour;

function hash(x: number, y: number): number {
  let value = Math.imul(x, 374_761_393) + Math.imul(y, 668_265_263);
  value = Math.imul(value ^ (value >>> 13), 1_274_126_177);
  return ((value ^ (value >>> 16)) >>> 0) / 4_294_967_296;
}

/** 0 below `from`, 1 above `to`, smooth between. */
function smooth(from: number, to: number, value: number): number {
  const at = Math.min(1, Math.max(0, (value - from) / (to - from)));
  return at * at * (3 - 2 * at);
}

function mix(one: Colour, other: Colour, share: number): Colour {
  const at = Math.min(1, Math.max(0, share));
  return [
    one[0] + (other[0] - one[0]) * at,
    one[1] + (other[1] - one[1]) * at,
    one[2] + (other[2] - one[2]) * at,
  ];
}

function light(colour: Colour, glow: Colour, strength: number): Colour {
  return [colour[0] + glow[0] * strength, colour[1] + glow[1] * strength, colour[2] + glow[2] * strength];
}

/** Value noise from 0 to 1. */
function noise(x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [across, down] = [smooth(0, 1, x - left), smooth(0, 1, y - top)];
  const upper = hash(left, top) + (hash(left + 1, top) - hash(left, top)) * across;
  const lower = hash(left, top + 1) + (hash(left + 1, top + 1) - hash(left, top + 1)) * across;
  return upper + (lower - upper) * down;
}

/** Noise of several sizes, as clouds and rock have it. */
function cloud(x: number, y: number, octaves = 5): number {
  let [sum, share] = [0, 0.5];
  for (let octave = 0; octave < octaves; octave += 1) {
    sum += share * noise(x * 2 ** octave + octave * 17, y * 2 ** octave);
    share /= 2;
  }
  return sum;
}

/** The edge of a ridge as a `y` for each `x`, worked out once for each of 1600 columns. */
function ridge(base: number, height: number, seed: number): (x: number) => number {
  const edge = Array.from({ length: 1601 }, (_, column) => {
    return base - height * (cloud((column / 1000 - 0.3) * 3 + seed, seed, 6) - 0.3);
  });
  return (x) => {
    const at = Math.min(1599, Math.max(0, (x + 0.3) * 1000));
    const left = edge[Math.floor(at)] ?? 0;
    return left + ((edge[Math.floor(at) + 1] ?? 0) - left) * (at % 1);
  };
}

interface Sky {
  top: Colour;
  horizon: Colour;
  /** Where the sun or moon stands, how big it is, and its light. */
  sun: { x: number; y: number; size: number; colour: Colour };
}

function sky({ top, horizon, sun }: Sky, x: number, y: number, clouds: number): Colour {
  const base = mix(top, horizon, smooth(0, 0.62, y));
  const distance = Math.hypot(x - sun.x, (y - sun.y) * 1.4);
  const lit = light(base, sun.colour, 0.55 * Math.exp(-distance * 4));
  const cover =
    clouds * smooth(0.42, 0.75, cloud(x * 2.2 + sun.x * 70, y * 6 + sun.y * 50, 6)) * smooth(0.75, 0.2, y);
  const disc = smooth(sun.size, sun.size * 0.8, distance);
  return light(mix(lit, light(horizon, sun.colour, 0.25), cover), sun.colour, disc * (1 - cover * 0.6));
}

/** Ridges behind one another, the further the more haze. */
function mountains(air: Sky, rock: Colour, seed: number, layers = 5): Scene {
  const edges = Array.from({ length: layers }, (_, layer) => {
    const near = layer / (layers - 1);
    return ridge(0.5 + near * 0.36, 0.3 - near * 0.08, seed + layer * 7);
  });
  return (x, y) => {
    let colour = sky(air, x, y, 0.7);
    for (const [layer, edgeAt] of edges.entries()) {
      const near = layer / (layers - 1);
      const edge = edgeAt(x);
      if (y < edge - 0.0015) continue;
      const tone = 0.75 + 0.5 * (cloud(x * 18 + layer, y * 18, 4) - 0.5) + (edge - y) * 0.5;
      const stone: Colour = [rock[0] * tone, rock[1] * tone, rock[2] * tone];
      const body = mix(mix(air.horizon, air.top, 0.3), stone, 0.38 + near * 0.62);
      const fog = smooth(0.16, 0, y - edge) < 1 ? smooth(edge, edge + 0.3, y) * (1 - near) * 0.4 : 0;
      colour = mix(colour, mix(body, air.horizon, fog), smooth(-0.0015, 0.0015, y - edge));
    }
    return colour;
  };
}

/** What stands above the shore, upside down in waves below it. */
function lake(above: Scene, shore: number, water: Colour): Scene {
  return (x, y) => {
    if (y < shore) return above(x, y);
    const depth = (y - shore) / (1 - shore);
    const wave = (cloud(x * 5, (y * 90) / (0.25 + depth), 4) - 0.47) * (0.015 + depth * 0.07);
    const mirrored = above(x + wave, Math.max(0, shore - (y - shore) * 0.9 + wave));
    const glint = smooth(0.62, 0.8, cloud(x * 9, (y * 160) / (0.3 + depth), 3)) * 0.12 * depth;
    return light(mix(mirrored, water, 0.25 + depth * 0.5), [1, 1, 1], glint);
  };
}

/** A picture of lights out of focus behind something sharp. */
function lights(ground: Colour, colours: readonly Colour[], seed: number): Scene {
  const discs = Array.from({ length: 46 }, (_, index) => ({
    x: hash(index, seed),
    y: 0.05 + 0.72 * hash(index, seed + 1),
    size: 0.022 + 0.055 * hash(index, seed + 2) ** 2,
    colour: colours[Math.floor(hash(index, seed + 3) * colours.length)] ?? ground,
    strength: 0.2 + 0.5 * hash(index, seed + 4),
  }));
  return (x, y) => {
    let colour = mix(ground, [0.01, 0.012, 0.03], smooth(0.2, 1, y));
    for (const disc of discs) {
      if (Math.abs(x - disc.x) > disc.size * 1.1) continue;
      const distance = Math.hypot(x - disc.x, (y - disc.y) * 1.34);
      const rim = 0.75 + 0.25 * smooth(disc.size * 0.7, disc.size * 0.97, distance);
      colour = light(
        colour,
        disc.colour,
        disc.strength * rim * smooth(disc.size * 1.05, disc.size * 0.97, distance),
      );
    }
    const street = smooth(0.72, 0.78, y);
    if (street === 0) return colour;
    // A wet street: what hangs above it, stretched.
    let wet: Colour = [0.015, 0.015, 0.03];
    for (const disc of discs) {
      const streak = Math.exp(
        -(((x - disc.x + 0.02 * (cloud(x * 9, y * 60, 3) - 0.5)) / disc.size) ** 2) * 2,
      );
      wet = light(wet, disc.colour, disc.strength * streak * 0.13 * smooth(1.1, 0.72, y));
    }
    return mix(colour, wet, street);
  };
}

/** Tree trunks in fog. */
function forest(leaf: Colour, fog: Colour): Scene {
  return (x, y) => {
    const beam = smooth(0.6, 0, Math.abs(x - 0.62 + (y - 0.2) * 0.25)) * smooth(1, 0.1, y);
    let colour = light(mix(fog, leaf, smooth(0.25, 1, y) * 0.5), [1, 0.9, 0.6], beam * 0.28);
    for (let layer = 0; layer < 4; layer += 1) {
      const near = layer / 3;
      const spread = 15 - layer * 3.4;
      const wobble = x + 0.012 * (cloud(y * 3 + layer * 9, layer, 3) - 0.5);
      const column = Math.floor(wobble * spread + layer * 0.37);
      const centre = (column + 0.25 + 0.5 * hash(column, layer + 3) - layer * 0.37) / spread;
      const width = (0.1 + 0.13 * hash(column, layer + 7)) / spread;
      const trunk =
        smooth(width, width * 0.86, Math.abs(wobble - centre)) * smooth(0.99, 0.9, y - near * 0.02);
      const bark = 0.5 + 0.7 * (cloud(x * 70, y * 9, 4) - 0.3) + (centre - wobble) * 9;
      const wood: Colour = [0.13 * bark, 0.1 * bark, 0.07 * bark];
      colour = mix(colour, mix(fog, wood, 0.25 + near * 0.75), trunk * (hash(column, layer) > 0.22 ? 1 : 0));
      const floor = smooth(0.86 + near * 0.05, 0.93 + near * 0.05, y + 0.06 * cloud(x * 9, layer, 4));
      const green = 0.5 + cloud(x * 40, y * 60, 4);
      colour = mix(
        colour,
        mix(fog, [leaf[0] * green, leaf[1] * green, leaf[2] * green], 0.4 + near * 0.6),
        floor * 0.8,
      );
    }
    return colour;
  };
}

/** Dunes with the light from one side. */
function dunes(air: Sky): Scene {
  return (x, y) => {
    let colour = sky(air, x, y, 0.25);
    for (let layer = 0; layer < 5; layer += 1) {
      const base = 0.48 + layer * 0.12;
      const edge =
        base - 0.09 * Math.sin(x * (2.1 + layer * 0.9) + layer * 2.3) - 0.02 * cloud(x * 4, layer * 5, 3);
      const slope = Math.cos(x * (2.1 + layer * 0.9) + layer * 2.3 + (y - edge) * 7);
      const ripple = 0.04 * Math.sin((y - edge) * (500 - layer * 60) + 9 * cloud(x * 6, y * 9, 3));
      const shade = 0.62 + 0.3 * slope + ripple + 0.12 * (cloud(x * 40, y * 40, 3) - 0.5);
      const sand: Colour = [0.93 * shade, 0.62 * shade, 0.36 * shade];
      colour = mix(colour, mix(air.horizon, sand, 0.45 + layer * 0.13), smooth(-0.001, 0.002, y - edge));
    }
    return colour;
  };
}

/** A flower in focus before a meadow that is not. */
function flower(petal: Colour, heart: Colour): Scene {
  return (x, y) => {
    const meadow = cloud(x * 3, y * 3, 3);
    let colour = mix([0.16, 0.3, 0.1], [0.55, 0.68, 0.32], smooth(0.25, 0.75, meadow) * (1.15 - y * 0.7));
    colour = light(colour, [0.9, 0.85, 0.6], 0.3 * Math.exp(-Math.hypot(x - 0.15, y - 0.05) * 3));
    const stalk =
      smooth(0.014, 0.01, Math.abs(x - 0.53 - 0.06 * (y - 0.45) * (y - 0.9))) * smooth(0.44, 0.46, y);
    colour = mix(colour, [0.2, 0.36, 0.12], stalk);
    const [across, down] = [x - 0.53, (y - 0.42) * 1.36];
    const distance = Math.hypot(across, down * 1.12);
    const turn = Math.atan2(down, across);
    for (let ring = 0; ring < 3; ring += 1) {
      const petals = 11 - ring;
      const phase = (turn / Math.PI / 2) * petals + ring * 0.5 + 0.15 * Math.sin(turn * 3 + ring);
      const middle = Math.abs((((phase % 1) + 1) % 1) - 0.5) * 2;
      const reach = (0.35 - ring * 0.075) * (1 - 0.32 * middle ** 2.4);
      const vein = 0.06 * Math.sin(middle * 26 + distance * 12);
      const shade = 0.62 + 0.5 * (distance / reach) * (1 - middle * 0.55) + vein - (ring === 2 ? 0.02 : 0.1);
      const tone: Colour = [petal[0] * shade, petal[1] * shade, petal[2] * shade];
      colour = mix(colour, tone, smooth(reach, reach * 0.965, distance));
    }
    const seeds = 0.55 + 0.9 * hash(Math.floor(turn * 14 + distance * 90), Math.floor(distance * 160));
    const core: Colour = [heart[0] * seeds, heart[1] * seeds, heart[2] * seeds];
    return mix(colour, core, smooth(0.092, 0.08, distance));
  };
}

/** Somebody's head and shoulders against the light, seen from behind. */
function figure(behind: Scene, rim: Colour): Scene {
  return (x, y) => {
    const strand = 0.012 * (cloud(x * 60, y * 20, 3) - 0.5);
    const head = Math.hypot((x - 0.5) / 0.15, (y - 0.44) / 0.145);
    const bun = Math.hypot((x - 0.52) / 0.068, (y - 0.28) / 0.055);
    const hair = Math.min(head, bun) - 1 + strand * 4;
    const neck = Math.max((Math.abs(x - 0.5) - 0.07) / 0.13, (0.5 - y) / 0.2);
    const shoulder =
      0.66 + 0.5 * (x - 0.5) ** 2 + 3 * (x - 0.5) ** 4 - 0.06 * smooth(0.2, 0.05, Math.abs(x - 0.5));
    const coat = (shoulder - y) / 0.16 + strand;
    const inside = Math.min(hair, neck, coat);
    const knit = cloud(x * 50, y * 90, 3) * smooth(-0.3, 0.6, coat);
    const cloth: Colour = [0.035 + 0.02 * knit, 0.03 + 0.016 * knit, 0.045 + 0.02 * knit];
    const glow = Math.exp(inside * 24) * (0.35 + 0.5 * cloud(x * 30, y * 30, 3));
    return mix(behind(x, y), light(cloth, rim, glow * 0.7), smooth(0.012, -0.012, inside));
  };
}

const DUSK: Sky = {
  top: [0.16, 0.2, 0.42],
  horizon: [0.98, 0.6, 0.42],
  sun: { x: 0.62, y: 0.47, size: 0.035, colour: [1, 0.72, 0.38] },
};
const MORNING: Sky = {
  top: [0.32, 0.52, 0.78],
  horizon: [0.93, 0.88, 0.8],
  sun: { x: 0.3, y: 0.36, size: 0.02, colour: [1, 0.9, 0.7] },
};
const NOON: Sky = {
  top: [0.18, 0.42, 0.78],
  horizon: [0.78, 0.87, 0.94],
  // Outside the picture.
  sun: { x: 1.1, y: -0.2, size: 0.03, colour: [1, 0.97, 0.88] },
};
const NIGHT: Sky = {
  top: [0.015, 0.03, 0.09],
  horizon: [0.13, 0.22, 0.34],
  sun: { x: 0.68, y: 0.2, size: 0.03, colour: [0.75, 0.8, 0.85] },
};
const BULBS: readonly Colour[] = [
  [1, 0.62, 0.25],
  [1, 0.35, 0.3],
  [0.35, 0.6, 1],
  [1, 0.85, 0.55],
  [0.3, 0.9, 0.8],
];

/** What can be drawn; the numbered ones are the photos of an album, in its order. */
export const SCENES = {
  portrait_1: lake(mountains(DUSK, [0.2, 0.16, 0.2], 3), 0.72, [0.14, 0.16, 0.28]),
  portrait_2: forest([0.2, 0.32, 0.14], [0.72, 0.78, 0.76]),
  portrait_3: flower([0.96, 0.5, 0.62], [0.85, 0.62, 0.16]),
  portrait_4: dunes(DUSK),
  portrait_5: figure(lights([0.1, 0.07, 0.12], BULBS, 4), [1, 0.6, 0.3]),
  portrait_6: mountains(MORNING, [0.16, 0.26, 0.2], 21, 6),
  portrait_7: lights([0.06, 0.06, 0.16], BULBS, 11),
  portrait_8: lake(mountains(NIGHT, [0.05, 0.08, 0.11], 40, 4), 0.66, [0.02, 0.05, 0.1]),
  valley: lake(mountains(NOON, [0.22, 0.3, 0.2], 60, 5), 0.7, [0.1, 0.24, 0.34]),
  figure: figure(mountains(DUSK, [0.24, 0.2, 0.24], 33, 3), [1, 0.66, 0.35]),
} as const satisfies Record<string, Scene>;
export type SceneName = keyof typeof SCENES;

/** A filmic curve: deep shadows, soft highlights. */
function toByte(value: number): number {
  const positive = Math.max(0, value);
  const curved = (positive * (2.51 * positive + 0.06)) / (positive * (2.43 * positive + 0.5) + 0.14);
  return Math.min(255, Math.round(255 * Math.max(0, curved) ** 0.82));
}

/** Draws a scene as a binary PPM, which ffmpeg reads. */
export function drawScene(name: SceneName, width: number, height: number): Buffer {
  const scene: Scene = SCENES[name];
  const head = Buffer.from(`P6\n${width} ${height}\n255\n`);
  const pixels = Buffer.alloc(width * height * 3);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const [x, y] = [(column + 0.5) / width, (row + 0.5) / height];
      const edge = 1 - 0.3 * smooth(0.45, 0.95, Math.hypot(x - 0.5, y - 0.5) * 1.25);
      const at = (row * width + column) * 3;
      const [red, green, blue] = scene(x, y);
      pixels[at] = toByte(red * edge);
      pixels[at + 1] = toByte(green * edge);
      pixels[at + 2] = toByte(blue * edge);
    }
  }
  return Buffer.concat([head, pixels]);
}
