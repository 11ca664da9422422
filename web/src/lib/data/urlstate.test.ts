import { test } from 'node:test';
import assert from 'node:assert/strict';
import { DAY_MS, formatLast, HOUR_MS, linesHref, parseLast, readRange, readView, spanOf, stepFor, writeView } from './urlstate.ts';

const params = (text: string) => new URLSearchParams(text);

test('a view survives its address', () => {
    const views = [
        '', 'q=app%3Ayoutube+bytes%3E1M', 'last=1h', 'from=2026-11-21T08%3A00%3A00.000Z&to=2026-11-21T09%3A00%3A00.000Z',
        'metric=sessions&sel=YOUTUBE', 'bf=2026-11-21T08%3A00%3A00.000Z&bt=2026-11-21T09%3A00%3A00.000Z',
        'row=2026-11-22.84189&near=2026-11-22.84188&tail=1', 'n=200'
    ];
    for (const text of views)
        assert.equal(writeView(readView(params(text))).toString(), params(text).toString(), text);
});

test('what is impossible in an address falls back', () => {
    assert.deepEqual(readRange(params('last=99y'), DAY_MS), { last_ms: DAY_MS });
    assert.deepEqual(readRange(params('last=31d'), DAY_MS), { last_ms: DAY_MS });
    assert.deepEqual(readRange(params('from=2026-11-21T09:00:00Z&to=2026-11-21T08:00:00Z'), HOUR_MS), { last_ms: HOUR_MS });
    const view = readView(params('metric=evil&row=../x&n=-1&bf=x'));
    assert.equal(view.metric, '');
    assert.equal(view.row, null);
    assert.equal(view.limit, 0);
    assert.equal(view.brush, null);
});

test('foreign parameters stay, the usual period is left out', () => {
    const view = readView(params('tenant=demo&last=24h'));
    assert.equal(writeView(view, DAY_MS, params('tenant=demo')).toString(), 'tenant=demo');
});

test('periods', () => {
    assert.equal(parseLast('15m'), 900_000);
    assert.equal(parseLast('0m'), null);
    for (const text of ['15m', '1h', '24h', '7d', '30d'])
        assert.equal(formatLast(parseLast(text)!), text);
    assert.equal(stepFor(HOUR_MS, 300), 60_000);
    assert.equal(stepFor(DAY_MS, 300), 300_000);
    assert.equal(stepFor(30 * DAY_MS, 300), 3 * HOUR_MS);
    assert.deepEqual(spanOf({ last_ms: HOUR_MS }, 3 * HOUR_MS + 1, HOUR_MS), { from_ms: 3 * HOUR_MS, to_ms: 4 * HOUR_MS });
});

test('a link to the lines behind a number', () => {
    assert.equal(linesHref('/analytics/logs', 'app:x', { last_ms: HOUR_MS }), '/analytics/logs?q=app%3Ax&last=1h');
    assert.equal(linesHref('/analytics/logs', '', { last_ms: DAY_MS }), '/analytics/logs?last=24h');
});
