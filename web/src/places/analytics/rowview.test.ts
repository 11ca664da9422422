import { test } from 'node:test';
import assert from 'node:assert/strict';
import { cefOf, parseRow } from '../../lib/data/logs.ts';
import { COLUMNS, itemsOf, timeText, windowOf } from './rowview.ts';

const row = parseRow(JSON.stringify({
    '@timestamp': '2026-11-22T07:49:53.396Z', source: { ip: '10.20.•.•', bytes: 812062 }, destination: { ip: '203.0.113.46', port: 443, bytes: 153921185 },
    event: { id: '2026-11-22.5', action: 'closed', code: 'RT|X', duration: 310e9, original: '<14>1 x', sequence: 5 }, tags: ['copy', 'weak'], user: { name: 'user 7f3a9c01' },
    observer: { name: 'fw1' }, fairlead: { extra: { a: '1' } }
}));

test('a row in a line', () => {
    const text = Object.fromEntries(COLUMNS.map((c) => [c.key, c.text(row)]));
    assert.deepEqual(text, { device: 'fw1', action: 'closed', user: '7f3a9c01', app: 'RT|X', target: '203.0.113.46:443', down: '153.9', up: '0.81', took: '5\u00a0min', reason: '' });
    assert.equal(timeText(row, 'Europe/Berlin', false), '08:49:53.396');
    assert.equal(timeText(row, 'UTC', true), '22 Nov 07:49:53.396');
});

test('which fields can be asked for', () => {
    const items = new Map(itemsOf(row).map((i) => [i.ecs, i]));
    assert.equal(items.get('source.ip')!.asked, 'src');
    assert.equal(items.get('@timestamp')!.asked, null);
    assert.equal(items.get('fairlead.extra.a')!.asked, null);
    assert.equal(items.get('event.duration')!.filter, '310');
    assert.equal(items.get('tags')!.filter, 'copy');
    assert.ok(!items.has('event.original') && items.get('user.name')!.personal);
});

test('a row as CEF', () => {
    assert.match(cefOf(row), /^CEF:0\|Fairlead\|Fairlead\|1\|RT\\\|X\|RT\\\|X\|3\|rt=\d+ src=10\.20\.•\.• dst=203/);
});

test('only what is in sight is drawn, and the height stays the same', () => {
    for (const open of [-1, 3, 50])
        for (let top = 0; top < 5000; top += 77) {
            const w = windowOf(200, 24, open, open < 0 ? 0 : 400, top, 300);
            assert.equal(w.before + w.after + (w.to - w.from) * 24 + (open >= w.from && open < w.to ? 400 : 0), 200 * 24 + (open < 0 ? 0 : 400));
            assert.ok(w.from <= w.to && w.to - w.from < 60);
        }
});
