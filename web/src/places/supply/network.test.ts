import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingsCsv, fixVerb, likeText, pair, places, position, remap, used, type FileOf, type Finding, type Proposal } from './network.ts';

const finding = (text: string, value: string, fix: string | null): Finding => ({ kind: 'warning', what: 'place', file: 'sites.csv', line: 3, column: 'lat,lon', value, text, fix });
const proposal = (subject: string, text: string, fix?: { lat: number; lon: number }): Proposal => ({ id: subject, kind: 'wrong_place', subject, text, answer: null, ...(fix ? { fix } : {}) });

test('what a proposal does to a position', () => {
    assert.equal(fixVerb({ lat: 37.2, lon: -127.44 }, { lat: 37.2, lon: 127.44 }), 'Use +127.44');
    assert.equal(fixVerb({ lat: -12.98, lon: 80.17 }, { lat: 12.98, lon: 80.17 }), 'Use +12.98');
    assert.equal(fixVerb({ lat: 80.17, lon: 12.98 }, { lat: 12.98, lon: 80.17 }), 'Swap');
    assert.equal(fixVerb({ lat: 1, lon: 2 }, { lat: -1, lon: -2 }), 'Use −1.00, −2.00');
    assert.equal(fixVerb(null, undefined), '');
});

test('each place in doubt has the position of its own finding', () => {
    const got = places({
        findings: [finding('same', '1,2', '1,-2'), finding('same', '3,4', '3,-4'), finding('other', '5,6', null)],
        proposals: [proposal('a', 'same', { lat: 1, lon: -2 }), proposal('b', 'same', { lat: 3, lon: -4 }), proposal('c', 'other'), proposal('d', 'not found')]
    });
    assert.deepEqual(got.map((p) => p.from), [{ lat: 1, lon: 2 }, { lat: 3, lon: 4 }, { lat: 5, lon: 6 }, null]);
    assert.deepEqual(got.map((p) => p.to), [{ lat: 1, lon: -2 }, { lat: 3, lon: -4 }, null, null]);
    assert.equal(position('x,2'), null);
    assert.equal(position('7'), null);
});

test('pairs, reasons, counts', () => {
    assert.deepEqual(pair('a@b'), ['a', 'b']);
    assert.deepEqual(pair('a'), ['a', '']);
    assert.deepEqual(likeText('same name: A and B'), { why: 'same name', names: 'A and B' });
    const column = (ours: string | null) => ({ theirs: 'x', ours, first: '', filled: 0, note: '' });
    assert.deepEqual(used([{ name: 'f', table: 'sites', rows: 1, bad: 0, encoding: 'UTF-8', separator: ',', decimal: '.', columns: [column('lat'), column(null)] }]), [1, 2]);
});

test('findings as a file', () => assert.equal(findingsCsv([finding('no, not there', '1,2', null)]),
    'kind,file,line,column,value,what is wrong,fix\r\nwarning,sites.csv,3,"lat,lon","1,2","no, not there",\r\n'));

test('one column told: the others stay as they were found, and no field is given twice', () => {
    const column = (theirs: string, ours: string | null, note = '') => ({ theirs, ours, first: '', filled: 0, note });
    const file = { name: 'f.csv', columns: [column('ID', 'site_id'), column('WEEKS', 'ttr_days', 'weeks x 7'), column('BREITE', null, 'kept as it is'), column('X', null, 'not taken')] } as FileOf;
    const first = remap(file, undefined, 'BREITE', 'lat');
    assert.deepEqual(first, { ID: 'site_id', WEEKS: 'ttr_days*7', BREITE: 'lat', X: '-' });
    assert.deepEqual(remap(file, first, 'X', 'ttr_days'), { ID: 'site_id', WEEKS: '+', BREITE: 'lat', X: 'ttr_days' });
    assert.deepEqual(remap(file, first, 'X', '+').BREITE, 'lat');
});
