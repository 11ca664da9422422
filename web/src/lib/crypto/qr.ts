/* QR codes (ISO/IEC 18004:2015), byte mode, error correction level M, versions 1 to 10: enough for 213 bytes, which an
   otpauth: address stays under. Made in the page, so that the secret is sent nowhere else. */

/* For versions 1..10 at level M: check words of a block, then [blocks, data words] of its two groups (table 9). */
const LAYOUT: [number, [number, number], [number, number]][] = [
    [10, [1, 16], [0, 0]], [16, [1, 28], [0, 0]], [26, [1, 44], [0, 0]], [18, [2, 32], [0, 0]], [24, [2, 43], [0, 0]],
    [16, [4, 27], [0, 0]], [18, [4, 31], [0, 0]], [22, [2, 38], [2, 39]], [22, [3, 36], [2, 37]], [26, [4, 43], [1, 44]],
];
/* Centres of the alignment patterns (annex E). */
const ALIGN: number[][] = [[], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50]];

export type Matrix = boolean[][];

/* GF(256) with x^8 + x^4 + x^3 + x^2 + 1. */
const EXP = new Uint8Array(512);
const LOG = new Uint8Array(256);
for (let i = 0, x = 1; i < 255; i++) {
    EXP[i] = EXP[i + 255] = x;
    LOG[x] = i;
    x = (x << 1) ^ (x & 0x80 ? 0x11d : 0);
}

function generator(degree: number): Uint8Array {
    let out = new Uint8Array([1]);
    for (let i = 0; i < degree; i++) {
        const next = new Uint8Array(out.length + 1);
        out.forEach((c, at) => {
            next[at]! ^= c;
            if (c) next[at + 1]! ^= EXP[LOG[c]! + i]!;
        });
        out = next;
    }
    return out;
}

/** The check words of a block (Reed-Solomon). */
export function checkWords(data: Uint8Array, degree: number): Uint8Array {
    const poly = generator(degree);
    const rest = new Uint8Array(data.length + degree);
    rest.set(data);
    for (let i = 0; i < data.length; i++) {
        const lead = rest[i]!;
        if (lead) for (let j = 1; j < poly.length; j++) if (poly[j]) rest[i + j]! ^= EXP[LOG[lead]! + LOG[poly[j]!]!]!;
    }
    return rest.slice(data.length);
}

function capacity(version: number): number {
    const [, a, b] = LAYOUT[version - 1]!;
    return a[0] * a[1] + b[0] * b[1];
}

/* Mode, count, bytes, terminator and padding, as data words. */
function dataWords(text: Uint8Array, version: number): Uint8Array {
    const size = capacity(version);
    const bits: number[] = [];
    const put = (value: number, count: number) => { for (let i = count - 1; i >= 0; i--) bits.push((value >> i) & 1); };
    put(4, 4);
    put(text.length, version < 10 ? 8 : 16);
    text.forEach((byte) => put(byte, 8));
    put(0, Math.min(4, size * 8 - bits.length));
    while (bits.length % 8) bits.push(0);
    const out = new Uint8Array(size);
    for (let i = 0; i < bits.length; i += 8) out[i / 8] = parseInt(bits.slice(i, i + 8).join(''), 2);
    for (let i = bits.length / 8, pad = 0xec; i < size; i++, pad ^= 0xec ^ 0x11) out[i] = pad;
    return out;
}

/* Blocks with their check words, interleaved. */
function interleave(data: Uint8Array, version: number): number[] {
    const [degree, a, b] = LAYOUT[version - 1]!;
    const blocks: Uint8Array[] = [];
    let at = 0;
    for (const [count, length] of [a, b]) for (let i = 0; i < count; i++) {
        blocks.push(data.slice(at, at + length));
        at += length;
    }
    const checks = blocks.map((block) => checkWords(block, degree));
    const out: number[] = [];
    for (let i = 0; i < Math.max(a[1], b[1]); i++) for (const block of blocks) if (i < block.length) out.push(block[i]!);
    for (let i = 0; i < degree; i++) for (const check of checks) out.push(check[i]!);
    return out;
}

class Grid {
    readonly size: number;
    readonly dark: Matrix;
    readonly fixed: Matrix;

    constructor(version: number) {
        this.size = 17 + 4 * version;
        this.dark = Array.from({ length: this.size }, () => new Array<boolean>(this.size).fill(false));
        this.fixed = Array.from({ length: this.size }, () => new Array<boolean>(this.size).fill(false));
        for (let i = 0; i < this.size; i++) {
            this.set(6, i, i % 2 === 0);
            this.set(i, 6, i % 2 === 0);
        }
        for (const [r, c] of [[3, 3], [3, this.size - 4], [this.size - 4, 3]] as const) this.finder(r, c);
        const centres = ALIGN[version - 1]!;
        const last = centres.length - 1;
        centres.forEach((r, i) => centres.forEach((c, j) => {
            if ((i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0)) return;
            for (let y = -2; y <= 2; y++) for (let x = -2; x <= 2; x++) this.set(r + y, c + x, Math.max(Math.abs(x), Math.abs(y)) !== 1);
        }));
        this.format(0);
        if (version >= 7) this.version(version);
    }

    set(row: number, column: number, dark: boolean): void {
        if (row < 0 || column < 0 || row >= this.size || column >= this.size) return;
        this.dark[row]![column] = dark;
        this.fixed[row]![column] = true;
    }

    private finder(row: number, column: number): void {
        for (let y = -4; y <= 4; y++) for (let x = -4; x <= 4; x++) {
            const ring = Math.max(Math.abs(x), Math.abs(y));
            this.set(row + y, column + x, ring !== 2 && ring !== 4);
        }
    }

    /* Level M is 00; BCH(15,5), masked (7.9). */
    format(mask: number): void {
        let rest = mask;
        for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >> 9) * 0x537);
        const bits = ((mask << 10) | rest) ^ 0x5412;
        const bit = (i: number) => ((bits >> i) & 1) === 1;
        for (let i = 0; i <= 5; i++) this.set(i, 8, bit(i));
        this.set(7, 8, bit(6));
        this.set(8, 8, bit(7));
        this.set(8, 7, bit(8));
        for (let i = 9; i < 15; i++) this.set(8, 14 - i, bit(i));
        for (let i = 0; i < 8; i++) this.set(8, this.size - 1 - i, bit(i));
        for (let i = 8; i < 15; i++) this.set(this.size - 15 + i, 8, bit(i));
        this.set(this.size - 8, 8, true);
    }

    /* BCH(18,6) (7.10). */
    private version(version: number): void {
        let rest = version;
        for (let i = 0; i < 12; i++) rest = (rest << 1) ^ ((rest >> 11) * 0x1f25);
        const bits = (version << 12) | rest;
        for (let i = 0; i < 18; i++) {
            const a = this.size - 11 + (i % 3), b = Math.floor(i / 3);
            this.set(b, a, ((bits >> i) & 1) === 1);
            this.set(a, b, ((bits >> i) & 1) === 1);
        }
    }

    /* Words run in columns of two, up and down, from the right (7.7.3). */
    place(words: number[]): void {
        let at = 0;
        for (let right = this.size - 1; right >= 1; right -= 2) {
            if (right === 6) right = 5;
            for (let step = 0; step < this.size; step++) for (let side = 0; side < 2; side++) {
                const column = right - side;
                const row = ((right + 1) & 2) === 0 ? this.size - 1 - step : step;
                if (this.fixed[row]![column]) continue;
                if (at < words.length * 8) this.dark[row]![column] = ((words[at >> 3]! >> (7 - (at & 7))) & 1) === 1;
                at++;
            }
        }
    }

    mask(which: number): void {
        const rule = MASKS[which]!;
        for (let r = 0; r < this.size; r++) for (let c = 0; c < this.size; c++) {
            if (!this.fixed[r]![c] && rule(r, c)) this.dark[r]![c] = !this.dark[r]![c];
        }
    }
}

const MASKS: ((r: number, c: number) => boolean)[] = [
    (r, c) => (r + c) % 2 === 0,
    (r) => r % 2 === 0,
    (_, c) => c % 3 === 0,
    (r, c) => (r + c) % 3 === 0,
    (r, c) => (Math.floor(r / 2) + Math.floor(c / 3)) % 2 === 0,
    (r, c) => ((r * c) % 2) + ((r * c) % 3) === 0,
    (r, c) => (((r * c) % 2) + ((r * c) % 3)) % 2 === 0,
    (r, c) => (((r + c) % 2) + ((r * c) % 3)) % 2 === 0,
];

/* How hard the pattern is to read (7.8.3). */
function penalty(dark: Matrix): number {
    const size = dark.length;
    let out = 0;
    let total = 0;
    const lines = [...dark, ...dark.map((_, c) => dark.map((row) => row[c]!))];
    for (const line of lines) {
        for (let i = 0; i < size; ) {
            let end = i;
            while (end < size && line[end] === line[i]) end++;
            if (end - i >= 5) out += end - i - 2;
            i = end;
        }
        const text = line.map((d) => (d ? '1' : '0')).join('');
        for (const pattern of ['10111010000', '00001011101']) {
            for (let i = text.indexOf(pattern); i >= 0; i = text.indexOf(pattern, i + 1)) out += 40;
        }
    }
    for (let r = 0; r < size; r++) for (let c = 0; c < size; c++) {
        if (dark[r]![c]) total++;
        if (r + 1 < size && c + 1 < size && dark[r]![c] === dark[r]![c + 1] && dark[r]![c] === dark[r + 1]![c] && dark[r]![c] === dark[r + 1]![c + 1]) out += 3;
    }
    return out + 10 * Math.floor(Math.abs((total * 100) / (size * size) - 50) / 5);
}

/** The modules of the code, row by row; throws RangeError when the text is too long. */
export function qr(text: string): Matrix {
    const bytes = new TextEncoder().encode(text);
    let version = 1;
    while (version <= LAYOUT.length && bytes.length + (version < 10 ? 2 : 3) > capacity(version)) version++;
    if (version > LAYOUT.length) throw new RangeError(`${bytes.length} bytes do not fit into the code`);
    const words = interleave(dataWords(bytes, version), version);
    let best: Matrix | undefined;
    let least = Infinity;
    for (let mask = 0; mask < MASKS.length; mask++) {
        const grid = new Grid(version);
        grid.place(words);
        grid.mask(mask);
        grid.format(mask);
        const score = penalty(grid.dark);
        if (score < least) {
            least = score;
            best = grid.dark;
        }
    }
    return best!;
}

/** The dark modules as one path of an SVG, one unit a module. */
export function qrPath(matrix: Matrix): string {
    let out = '';
    matrix.forEach((row, r) => {
        for (let c = 0; c < row.length; c++) {
            if (!row[c]) continue;
            const from = c;
            while (c + 1 < row.length && row[c + 1]) c++;
            out += `M${from} ${r}h${c - from + 1}v1H${from}z`;
        }
    });
    return out;
}
