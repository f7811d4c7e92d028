// One dimension of the picture: the stretch of it that is shown, and the walls of its cells.
const SIZE = 400;
const NARROW = 4; // walls nearer than that are not told apart
const CELLS = 5; // so many are in sight at least
const ROOM = 1.15;

class Axis {
  constructor(format, codes, tokens, present) {
    const coordinates = codes.map((code) => format.coordinate(code));
    this.format = format;
    this.record = (k) => coordinates.slice(k * tokens, (k + 1) * tokens);
    this.present = present;
    this.start = this.record(0).map((at) => format.value(at));
    this.middle = mean(this.start);
    this.extent = reach(this.start, this.middle);
  }

  // Look at record k.
  look(k) {
    this.at = this.record(k);
    this.values = this.at.map((at) => this.format.value(at));
    const left = this.values.filter((_, token) => this.present(token, k));
    const there = left.length ? left : this.values;
    this.centre = mean(there);
    this.cell = this.format.cell(this.centre);
    const half = Math.max(this.extent, reach(there, this.centre)) * ROOM;
    this.half = Math.max(half, (CELLS / 2) * this.cell);
    return this;
  }

  place(real) {
    return SIZE / 2 + ((real - this.centre) / this.half) * (SIZE / 2);
  }

  // How far apart the walls of the cloud's cells are drawn.
  pitch() {
    return (this.cell / this.half) * (SIZE / 2);
  }

  // Where each token would be if the cloud had kept its shape.
  ghosts() {
    return this.start.map((real) => this.place(real - this.middle + this.centre));
  }

  // Where cells meet, and whether there are more walls than can be drawn.
  walls() {
    const { format } = this;
    const high = this.centre + this.half;
    const gap = (2 * this.half * NARROW) / SIZE;
    const found = [];
    let at = Math.max(format.below(this.centre - this.half) - 1, -format.largest);
    while (at < format.largest) {
      const wall = (format.value(at) + format.value(at + 1)) / 2;
      if (wall > high) break;
      const next = Math.max(at + 1, format.below(wall + gap));
      found.push({ place: this.place(wall), fine: next > at + 1 });
      at = next;
    }
    return found.filter(({ place }) => place >= 0);
  }
}

// The way from zero to where the cloud gets, with every so manieth wall: they stand apart
// twice as far in each binade.
class Road {
  constructor(axis, records) {
    const centres = [...Array(records).keys()].map((k) => Math.abs(axis.look(k).centre));
    this.end = Math.max(...centres) * 1.04 || 1;
    this.parts = Math.min(4, axis.format.fraction);
  }

  place(real) {
    return (Math.abs(real) / this.end) * SIZE;
  }

  walls() {
    const found = [];
    for (let low = 2 ** Math.floor(Math.log2(this.end)); this.place(low) > NARROW; low /= 2)
      for (let part = 0; part < this.parts; part++) found.push(this.place(low * (1 + part / this.parts)));
    return found.filter((place) => place <= SIZE);
  }
}

const mean = (reals) => reals.reduce((sum, x) => sum + x, 0) / reals.length;
const reach = (reals, from) => reals.reduce((most, x) => Math.max(most, Math.abs(x - from)), 0);

// The tokens that are present, by the cell they share.
function cells(across, up, present) {
  const found = new Map();
  across.at.forEach((x, token) => {
    if (!present(token)) return;
    const key = `${x} ${up.at[token]}`;
    found.set(key, [...(found.get(key) ?? []), token]);
  });
  return [...found.values()];
}
