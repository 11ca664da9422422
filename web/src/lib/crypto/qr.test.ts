import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkWords, qr, qrPath } from './qr.ts';

test('check words of the worked example in ISO/IEC 18004, annex I (01234567, 1-M)', () => {
    const data = Uint8Array.from([0x10, 0x20, 0x0c, 0x56, 0x61, 0x80, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11]);
    assert.deepEqual([...checkWords(data, 10)], [0xa5, 0x24, 0xd4, 0xc1, 0xed, 0x36, 0xc7, 0x87, 0x2c, 0x55]);
});

test('the version grows with the text, and the size with the version', () => {
    for (const [length, size] of [[14, 21], [15, 25], [26, 25], [62, 33], [106, 41], [107, 45], [213, 57]] as const) {
        assert.equal(qr('x'.repeat(length)).length, size, `${length} bytes`);
    }
    assert.throws(() => qr('x'.repeat(214)), RangeError);
});

/* Reads a code back: format, mask, words, blocks. Independent of the writer where it can be: it finds the data modules by
   the function patterns of the standard. */
function read(dark: boolean[][]): string {
    const size = dark.length, version = (size - 17) / 4;
    let format = 0;
    for (let i = 0; i <= 5; i++) format |= Number(dark[i]![8]) << i;
    format |= (Number(dark[7]![8]) << 6) | (Number(dark[8]![8]) << 7) | (Number(dark[8]![7]) << 8);
    for (let i = 9; i < 15; i++) format |= Number(dark[8]![14 - i]) << i;
    const mask = ((format ^ 0x5412) >> 10) & 7;
    assert.equal((format ^ 0x5412) >> 13, 0, 'level M');
    const rules = [(r: number, c: number) => (r + c) % 2, (r: number) => r % 2, (_: number, c: number) => c % 3, (r: number, c: number) => (r + c) % 3,
        (r: number, c: number) => (Math.floor(r / 2) + Math.floor(c / 3)) % 2, (r: number, c: number) => ((r * c) % 2) + ((r * c) % 3),
        (r: number, c: number) => (((r * c) % 2) + ((r * c) % 3)) % 2, (r: number, c: number) => (((r + c) % 2) + ((r * c) % 3)) % 2];
    const centres = [[], [], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50]][version]!;
    const fixed = (r: number, c: number): boolean => {
        if (r === 6 || c === 6) return true;
        if ((r < 9 && c < 9) || (r < 9 && c >= size - 8) || (r >= size - 8 && c < 9)) return true;
        if (version >= 7 && ((r < 6 && c >= size - 11) || (c < 6 && r >= size - 11))) return true;
        return centres.some((y) => centres.some((x) => Math.abs(r - y) <= 2 && Math.abs(c - x) <= 2
            && !((y === 6 && x === 6) || (y === 6 && x === size - 7) || (y === size - 7 && x === 6))));
    };
    const bitsOf: number[] = [];
    let up = true;
    for (let right = size - 1; right > 0; right -= 2) {
        if (right === 6) right--;
        for (let i = 0; i < size; i++) for (const c of [right, right - 1]) {
            const r = up ? size - 1 - i : i;
            if (!fixed(r, c)) bitsOf.push(Number(dark[r]![c]) ^ Number(rules[mask]!(r, c) === 0));
        }
        up = !up;
    }
    const words: number[] = [];
    for (let i = 0; i + 8 <= bitsOf.length; i += 8) words.push(parseInt(bitsOf.slice(i, i + 8).join(''), 2));
    const blocks = [[], [16], [28], [44], [32, 32], [43, 43], [27, 27, 27, 27], [31, 31, 31, 31], [38, 38, 39, 39], [36, 36, 36, 37, 37], [43, 43, 43, 43, 44]][version]!;
    const data = blocks.map(() => [] as number[]);
    let at = 0;
    for (let i = 0; i < Math.max(...blocks); i++) blocks.forEach((length, b) => { if (i < length) data[b]!.push(words[at++]!); });
    const all = data.flat().map((w) => w.toString(2).padStart(8, '0')).join('');
    assert.equal(all.slice(0, 4), '0100', 'byte mode');
    const head = version < 10 ? 8 : 16, length = parseInt(all.slice(4, 4 + head), 2);
    return Buffer.from(Array.from({ length }, (_, i) => parseInt(all.slice(4 + head + i * 8, 12 + head + i * 8), 2))).toString('utf8');
}

test('what was written can be read, in every version', () => {
    for (const length of [5, 20, 40, 60, 80, 100, 120, 150, 170, 210]) {
        const text = `otpauth://totp/Fairlead:m.weber?secret=${'MFRGGZDF'.repeat(30)}`.slice(0, length);
        assert.equal(read(qr(text)), text);
    }
});

test('the path covers as many modules as are dark', () => {
    const matrix = qr('otpauth://totp/x');
    const dark = matrix.flat().filter(Boolean).length;
    const covered = [...qrPath(matrix).matchAll(/h(\d+)/g)].reduce((sum, m) => sum + Number(m[1]), 0);
    assert.equal(covered, dark);
});
