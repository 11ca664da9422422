import { test } from 'node:test';
import assert from 'node:assert/strict';
import { kept, measured, minutesText, valueText, viewOf } from './searches.ts';

test('a saved search opens its view again', () => {
    const base = { where: 'app:x', to: '', metric: 'bytes' };
    assert.deepEqual(viewOf({ ...base, view: 'applications', from: '7d' }), { path: '/analytics/applications', query: { q: 'app:x', last: '7d', from: '', to: '', metric: 'bytes' } });
    const fixed = { from: '2026-11-21T08:00:00.000Z', to: '2026-11-21T09:00:00.000Z' };
    assert.deepEqual(viewOf({ ...base, ...fixed, view: 'logs' }).query, { q: 'app:x', last: '', ...fixed, metric: '' });
    assert.deepEqual(kept({ last_ms: 7 * 86_400_000 }), { from: '7d', to: '' });
    assert.deepEqual(kept({ from_ms: Date.parse(fixed.from), to_ms: Date.parse(fixed.to) }), fixed);
});

test('in words', () => {
    assert.deepEqual([5, 60, 360, 1440, 10080].map(minutesText), ['5 minutes', 'hour', '6 hours', 'day', '7 days']);
    assert.equal(measured('down', 'app'), 'bytes down of the largest application');
    assert.equal(measured('rows', ''), 'lines');
    assert.equal(valueText('bytes', 5e9), '5.00\u00a0GB');
    assert.equal(valueText('rows', 5000), '5\u00a0000');
});
