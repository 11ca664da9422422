import { test } from 'node:test';
import assert from 'node:assert/strict';
import { before, change, covers } from './before.ts';

const H = 3_600_000;
const series = (...values: number[]) => ({ from_ms: 0, step_ms: H, lines: [{ key: 'a', other: false, values }] });

test('the time before: whole weeks, no overlap, not more of it than has gone by now', () => {
    const at = Date.UTC(2026, 10, 22, 9, 31, 20);
    const day = before({ from_ms: at - 24 * H, to_ms: at + 10 * 60_000 }, at);
    assert.equal(day.weeks, 1);
    assert.equal(day.span.to_ms, Date.UTC(2026, 10, 15, 9, 31));
    assert.equal(day.span.from_ms, at - 24 * H - 7 * 24 * H);
    assert.equal(before({ from_ms: 0, to_ms: 7 * 24 * H }, at).weeks, 1);
    assert.deepEqual(before({ from_ms: 0, to_ms: 30 * 24 * H }, at), { weeks: 5, span: { from_ms: -35 * 24 * H, to_ms: -5 * 24 * H } });
});

test('what began in the middle is not compared', () => {
    assert.ok(covers(series(0, 1, 0, 2, 3, 1, 1, 1, 1, 1)));
    assert.ok(!covers(series(0, 0, 0, 2, 3, 1, 1, 1, 1, 1)));
    assert.ok(!covers(series(0, 0, 0)));
    assert.ok(!covers({ from_ms: 0, step_ms: H, lines: [] }));
});

test('a change in words', () => {
    const words = [[112, 100], [97, 100], [1400, 100], [5, 0], [0, 0], [1000, 1001], [0, 9]].map(([a, b]) => change(a!, b!));
    assert.deepEqual(words, ['+12\u00a0%', '−3\u00a0%', '×14', 'new', '', '0\u00a0%', '−100\u00a0%']);
});
