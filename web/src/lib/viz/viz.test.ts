import { test } from 'node:test';
import assert from 'node:assert/strict';
import { fromInput, fromWall, offsetMs, scaled, scaleOf, tickText, timeTicks, toInput, valueTicks } from './ticks.ts';
import { bitRates, blend, snap, sparkPath, spread, stacked, sumBetween, topAndOther } from './stack.ts';
import { apart, clusters, labels } from './places.ts';

const at = (text: string) => Date.parse(text);

test('a wall clock and back, also where clocks change', () => {
    assert.equal(offsetMs(at('2026-11-21T12:00:00Z'), 'Europe/Berlin'), 3_600_000);
    assert.equal(offsetMs(at('2026-07-21T12:00:00Z'), 'Asia/Kolkata'), 19_800_000);
    for (const zone of ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'])
        for (let t = at('2026-03-28T00:00:00Z'); t < at('2026-03-30T00:00:00Z'); t += 1_800_000)
            assert.equal(fromWall(t + offsetMs(t, zone), zone), t, `${zone} ${new Date(t).toISOString()}`);
    assert.equal(fromWall(at('2026-03-29T02:30:00Z'), 'Europe/Berlin'), at('2026-03-29T01:30:00Z'), 'an hour that is not there');
    assert.equal(fromWall(at('2026-10-25T02:30:00Z'), 'Europe/Berlin'), at('2026-10-25T00:30:00Z'), 'the first of two');
    assert.equal(toInput(at('2026-11-21T13:05:00Z'), 'Europe/Berlin'), '2026-11-21T14:05');
    assert.equal(fromInput('2026-11-21T14:05', 'Europe/Berlin'), at('2026-11-21T13:05:00Z'));
    assert.equal(fromInput('', 'UTC'), null);
});

test('ticks of time stand on whole hours of the zone', () => {
    const ticks = timeTicks(at('2026-11-20T13:30:00Z'), at('2026-11-21T13:30:00Z'), 7, 'Europe/Berlin');
    assert.deepEqual(ticks.map((t) => t.label), ['16:00', '20:00', '00:00 Sat', '04:00', '08:00', '12:00']);
    const days = timeTicks(at('2026-10-23T00:00:00Z'), at('2026-10-27T00:00:00Z'), 5, 'Europe/Berlin');
    assert.deepEqual(days.map((t) => t.label), ['Sat 24 Oct', 'Sun 25 Oct', 'Mon 26 Oct', 'Tue 27 Oct'].slice(0, days.length));
    assert.equal(days[2]!.at - days[1]!.at, 25 * 3_600_000, 'a day of 25 hours');
});

test('ticks of values are round and cover', () => {
    assert.deepEqual(valueTicks(3.6, 4), [0, 1, 2, 3, 4]);
    assert.deepEqual(valueTicks(287, 3), [0, 100, 200, 300]);
    assert.deepEqual(valueTicks(0, 4), [0, 1]);
    assert.equal(scaled(3.42e9, scaleOf(4e9, 'bit/s')), '3.42');
    assert.deepEqual([0, 2.5e6, 20e6].map((v) => tickText(v, { by: 1e6, unit: 'M' })), ['0', '2.5', '20']);
    assert.equal(tickText(12_000, { by: 1, unit: '' }), '12\u202f000');
    assert.equal(scaleOf(4e9, 'bit/s').unit, 'Gbit/s');
    assert.equal(scaled(12_345, { by: 1, unit: '' }), '12\u00a0345');
});

test('seven lines and the rest', () => {
    const lines = Array.from({ length: 10 }, (_, i) => ({ key: `k${i}`, other: false, values: [10 - i, 1] }));
    const eight = topAndOther([...lines, { key: null, other: true, values: [5, 5] }]);
    assert.equal(eight.length, 8);
    assert.deepEqual(eight[7], { key: null, other: true, values: [3 + 2 + 1 + 5, 8] });
    assert.equal(topAndOther(lines.slice(0, 3)).length, 3);
    assert.deepEqual(topAndOther([]), []);
    assert.deepEqual(stacked([{ key: 'a', other: false, values: [1, 2] }, { key: 'b', other: false, values: [3, 4] }]), [[1, 2], [4, 6]]);
    assert.deepEqual(bitRates([{ key: 'a', other: false, values: [300] }], 300_000)[0]!.values, [8]);
});

test('a colour on another', () => {
    assert.equal(blend('#ff0000', '#0000ff', 0.75), '#bf0040');
    assert.equal(blend('red', '#0000ff', 0.75), 'red');
});

test('sums and edges of a piece of time', () => {
    const series = { from_ms: 1000, step_ms: 100, lines: [{ key: 'a', other: false, values: [1, 2, 3, 4] }] };
    assert.equal(sumBetween(series, series.lines[0]!, 1100, 1300), 5);
    assert.equal(sumBetween(series, series.lines[0]!, 0, 9999), 10);
    assert.equal(sumBetween(series, series.lines[0]!, 5000, 6000), 0);
    assert.deepEqual(snap(1000, 1400, 100, 1290, 1110), { from_ms: 1100, to_ms: 1300 });
    assert.deepEqual(snap(1000, 1400, 100, 1110, 1111), { from_ms: 1100, to_ms: 1200 });
    assert.deepEqual(snap(1000, 1400, 100, 9000, 9001), { from_ms: 1300, to_ms: 1400 });
    assert.equal(sparkPath([0, 1], 10, 10, 1), 'M0.0 10.0L10.0 0.0');
});

test('labels of a column never touch', () => {
    const places = spread([10, 11, 12, 200], 15, 0, 100);
    const sorted = [...places].sort((a, b) => a - b);
    sorted.slice(1).forEach((p, i) => assert.ok(p - sorted[i]! >= 15 - 1e-9));
    assert.ok(sorted.at(-1)! <= 100);
});

test('sites of one state join, worse ones stay on their own', () => {
    const p = (name: string, x: number, state: 'ok' | 'critical') => ({ name, x, y: 0, state });
    const list = clusters([p('a', 0, 'ok'), p('b', 3, 'ok'), p('c', 1, 'critical'), p('d', 50, 'ok')], 10);
    assert.deepEqual(list.map((c) => [c.state, c.points.length]), [['critical', 1], ['ok', 2], ['ok', 1]]);
    const moved = apart(list, 8);
    for (const a of moved)
        for (const b of moved)
            assert.ok(a === b || Math.hypot(a.x - b.x, a.y - b.y) >= 8);
});

test('names on the map do not overlap and stay inside', () => {
    const marks = Array.from({ length: 12 }, (_, i) => ({ x: 100 + i * 4, y: 50, w: 60 }));
    const area = { x: 0, y: 0, w: 300, h: 120 };
    const got = labels(marks, 6, 14, area);
    assert.ok(got.length >= 4);
    got.forEach((a, i) => {
        assert.ok(a.x >= 0 && a.x + a.w <= 300 && a.y >= 0 && a.y + a.h <= 120);
        got.slice(i + 1).forEach((b) => assert.ok(a.x >= b.x + b.w || b.x >= a.x + a.w || a.y >= b.y + b.h || b.y >= a.y + a.h));
    });
});
