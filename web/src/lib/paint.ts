/** How drawings look on a canvas of SIZE by SIZE. */

import { cellsOf } from './drawing';
import { colour } from './theme.svelte';
import type { Curve, Grid, Path, Points, Surface } from './types';

export const SIZE = 360;
export type Plane = CanvasRenderingContext2D;
/** Rows drawn on top: the inputs, then the class or the value. */
export type OnTop = readonly (readonly number[])[];

type Pair = readonly [number, number];

/** From values to pixels; y grows upwards. */
function scales([x0, x1]: Pair, [y0, y1]: Pair): (x: number, y: number) => [number, number] {
  return (x, y) => [((x - x0) / (x1 - x0 || 1)) * SIZE, SIZE - ((y - y0) / (y1 - y0 || 1)) * SIZE];
}

/** How far points reach from the middle; the farthest one in a hundred may lie outside. */
export function reachOf(all: readonly Points[]): number {
  const sizes = all.flatMap((each) => each.points.flat().map(Math.abs)).filter(Number.isFinite);
  sizes.sort((a, b) => a - b);
  return (sizes[Math.floor(0.99 * (sizes.length - 1))] || 1) * 1.15;
}

export function points(plane: Plane, drawing: Points, reach: number): void {
  const place = scales([-reach, reach], [-reach, reach]);
  plane.fillStyle = colour('line-0');
  plane.globalAlpha = 0.7;
  for (const [x, y] of drawing.points) dot(plane, ...place(x, y), 4);
  plane.globalAlpha = 1;
}

/** Tables side by side, in as many columns as rows; each in its own greys. */
export function grid(plane: Plane, { grids }: Grid): void {
  const columns = Math.ceil(Math.sqrt(grids.length));
  const side = SIZE / columns;
  const gap = grids.length > 1 ? 6 : 0;
  const top = (SIZE - side * Math.ceil(grids.length / columns)) / 2;
  const ink = rgb(plane, colour('ink'));
  plane.strokeStyle = colour('rule');
  plane.imageSmoothingEnabled = false;
  grids.forEach((rows, g) => {
    const [left, up] = [(g % columns) * side + gap / 2, top + Math.floor(g / columns) * side + gap / 2];
    plane.drawImage(greys(rows, ink), left, up, side - gap, side - gap);
    if (gap > 0) plane.strokeRect(left, up, side - gap, side - gap);
  });
  plane.imageSmoothingEnabled = true;
}

/** A table as a picture, a pixel for each number: the largest is ink, the smallest is nothing. */
function greys(rows: readonly (readonly number[])[], ink: readonly [number, number, number]): OffscreenCanvas {
  const values = rows.flat();
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const shades = values.flatMap((value) => [...ink, (255 * (value - low)) / (high - low || 1)]);
  return pixels(new ImageData(Uint8ClampedArray.from(shades), rows[0]?.length ?? 1, rows.length));
}

function pixels(image: ImageData): OffscreenCanvas {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  return canvas;
}

/** Each class has a colour, the stronger the surer; rows of a class lie on top in its form. */
export function surface(plane: Plane, drawing: Surface, rows: OnTop): void {
  const { side, classes } = drawing;
  const image = new ImageData(side, side);
  const ground = rgb(plane, colour('surface'));
  const inks = Array.from({ length: classes }, (_, k) => rgb(plane, classColour(k)));
  cellsOf(drawing).forEach(({ winner, chance }, i) => {
    const share = 0.1 + (0.62 * (chance - 1 / classes)) / (1 - 1 / classes);
    const at = 4 * ((side - 1 - Math.floor(i / side)) * side + (i % side));
    const ink = inks[winner] ?? ground;
    for (let c = 0; c < 3; c += 1) image.data[at + c] = share * ink[c]! + (1 - share) * ground[c]!;
    image.data[at + 3] = 255;
  });
  // A cell is a place, not a tile: the outermost ones lie on the edge.
  const cell = SIZE / (side - 1);
  plane.drawImage(pixels(image), -cell / 2, -cell / 2, SIZE + cell, SIZE + cell);
  const place = scales(drawing.x, drawing.y);
  for (const [x = 0, y = 0, label = 0] of rows) marker(plane, ...place(x, y), label);
}

const FORMS = 4;

/** The mark of a class: a circle, a square, a triangle or a diamond in its colour. */
export function marker(plane: Plane, x: number, y: number, label: number, size = 4): void {
  plane.fillStyle = classColour(label);
  plane.strokeStyle = colour('surface');
  plane.lineWidth = 1.25;
  plane.beginPath();
  if (label % FORMS === 0) plane.arc(x, y, size, 0, 7);
  else if (label % FORMS === 1) plane.rect(x - size, y - size, 2 * size, 2 * size);
  else {
    const ends = label % FORMS === 2 ? [[0, -1.3], [1.2, 1], [-1.2, 1]] : [[0, -1.4], [1.2, 0], [0, 1.4], [-1.2, 0]];
    ends.forEach(([dx = 0, dy = 0]) => plane.lineTo(x + dx * size, y + dy * size));
    plane.closePath();
  }
  plane.fill();
  plane.stroke();
}

export function classColour(label: number): string {
  return colour(`line-${Math.trunc(label) % 8}`);
}

export function curve(plane: Plane, { x, y }: Curve, rows: OnTop): void {
  const heights = [...y, ...rows.map((row) => row[1] ?? 0)].filter(Number.isFinite);
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  const margin = 0.06 * (high - low || 1);
  const place = scales([x[0] ?? 0, x.at(-1) ?? 1], [low - margin, high + margin]);
  plane.fillStyle = colour('quiet');
  plane.globalAlpha = 0.6;
  for (const [at = 0, value = 0] of rows) dot(plane, ...place(at, value), 3);
  plane.globalAlpha = 1;
  line(plane, x.map((at, i) => place(at, y[i] ?? NaN)), colour('line-0'), 3);
}

function dot(plane: Plane, x: number, y: number, size: number): void {
  plane.beginPath();
  plane.arc(x, y, size, 0, 7);
  plane.fill();
}

function line(plane: Plane, places: readonly Pair[], ink: string, width: number): void {
  plane.strokeStyle = ink;
  plane.lineWidth = width;
  plane.lineCap = plane.lineJoin = 'round';
  plane.beginPath();
  for (const [x, y] of places) if (Number.isFinite(y)) plane.lineTo(x, y);
  plane.stroke();
}

/** Any colour of the style sheet as numbers; a canvas writes it out in full. */
function rgb(plane: Plane, css: string): [number, number, number] {
  plane.fillStyle = css;
  const value = parseInt(String(plane.fillStyle).slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

// Worlds

type Scenery = (plane: Plane, seen: readonly number[], action: number) => void;

/** Worlds that can be seen as what they are. */
const SCENES: Readonly<Record<string, Scenery>> = { 'cart-pole': cartPole };

export function path(plane: Plane, drawing: Path, at: number): void {
  const scenery = SCENES[drawing.scene.world];
  if (scenery) scenery(plane, drawing.seen[at] ?? [], drawing.actions[at] ?? -1);
  else traces(plane, drawing, at);
}

/** A cart on a track 4.8 m wide, a pole of 1 m on it, and the push as an arrow. */
function cartPole(plane: Plane, [position = 0, , angle = 0]: readonly number[], action: number): void {
  const metre = SIZE / 5.2;
  const ground = 0.72 * SIZE;
  const x = SIZE / 2 + position * metre;
  const top = ground - 0.3 * metre;
  line(plane, [[SIZE / 2 - 2.4 * metre, ground], [SIZE / 2 + 2.4 * metre, ground]], colour('rule-strong'), 2);
  plane.fillStyle = colour('ink');
  plane.fillRect(x - 0.3 * metre, top, 0.6 * metre, 0.24 * metre);
  dot(plane, x - 0.18 * metre, ground - 0.04 * metre, 0.07 * metre);
  dot(plane, x + 0.18 * metre, ground - 0.04 * metre, 0.07 * metre);
  line(plane, [[x, top], [x + metre * Math.sin(angle), top - metre * Math.cos(angle)]], colour('line-1'), 8);
  if (action < 0) return;
  const push = action === 1 ? 1 : -1;
  const [from, to, height] = [x + push * 0.4 * metre, x + push * 0.8 * metre, top + 0.12 * metre];
  line(plane, [[from, height], [to, height]], colour('line-0'), 4);
  line(plane, [[to - push * 9, height - 7], [to, height], [to - push * 9, height + 7]], colour('line-0'), 4);
}

/** Of a world without a scene of its own: all that the agent sees, along the way, and where it is. */
function traces(plane: Plane, { seen, steps }: Path, at: number): void {
  const values = seen.flat().filter(Number.isFinite);
  const place = scales([0, Math.max(steps.at(-1) ?? 1, 1)], [Math.min(...values), Math.max(...values)]);
  (seen[0] ?? []).forEach((_, k) => {
    line(plane, seen.map((row, i) => place(steps[i] ?? 0, row[k] ?? NaN)), colour(`line-${k % 8}`), 2);
  });
  const [x] = place(steps[at] ?? 0, 0);
  line(plane, [[x, 0], [x, SIZE]], colour('rule-strong'), 2);
}
