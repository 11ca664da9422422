import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, level, measured, teller, touches } from './risks.ts';

test("the words of CAP and the screen's four", () => assert.deepEqual(['Extreme', 'severe', 'Moderate', 'minor', null].map(level), ['critical', 'major', 'minor', 'warning', 'minor']));

test('what an event touches', () => {
    const r = { sites: 1, parts: 68, sole_parts: 20, product_count: 8, products: [{ id: 'a', name: 'Heron' }, { id: 'tern', name: '' }, { id: 'c', name: 'C' }] };
    assert.deepEqual(touches(r), { sites: '1 site', rest: '68 parts, 20 sole-source → Heron, tern and 6 more' });
    assert.equal(touches({ ...r, products: [], product_count: 0, sole_parts: 0 }).rest, '68 parts → no product');
});

test('what was measured', () => {
    assert.equal(measured({ measure: 'mmi', value: 6.34, sigma: 0.8 } as any), '6.3 ± 0.8');
    assert.equal(measured({ measure: 'inside', value: 1 } as any), 'inside');
    assert.equal(measured({ measure: 'inside', value: 0.4 } as any), '40 % inside');
    assert.equal(measured({ measure: 'wind_ms', value: 38.6, sigma: 4 } as any), '39 ± 4 m/s');
});

test('long names of products stand alone', () => {
    const r = { sites: 2, parts: 1, sole_parts: 0, product_count: 7, products: [{ id: 'a', name: 'Corelia 510 edge router' }, { id: 'b', name: 'Arkady 320P access switch' }] };
    assert.equal(touches(r).rest, '1 part → Corelia 510 edge router and 6 more');
});

test('who tells, and how long ago', () => {
    assert.deepEqual([null, 'uid:0', 'ana@demo', 'usgs', 'other'].map((s) => teller(s, new Map([['usgs', 'USGS']]))), ['typed', 'typed on the server', 'typed by ana@demo', 'USGS', 'other']);
    assert.deepEqual([-1, 30, 130, 7300, 400_000].map((s) => ago(s * 1e6)), ['', 'just now', '2 min ago', '2 h ago', '4 days ago']);
});
