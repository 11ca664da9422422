import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, csv, downText } from './exposure.ts';

test('a curve between, before and behind its points', () => {
    const xs = [0, 10, 20], ys = [0, 0, 100];
    assert.equal(at(xs, ys, 15), 50);
    assert.equal(at(xs, ys, 10), 0);
    assert.equal(at(xs, ys, -5), 0);
    assert.equal(at(xs, ys, 99), 100);
    assert.ok(Number.isNaN(at([], [], 1)));
});

test('times down in words', () => assert.deepEqual([1, 6, 7, 14, 19, 56].map(downText), ['1 day', '6 days', '1 week', '2 weeks', '19 days', '8 weeks']));

test('cells of a file', () => assert.equal(csv([['a', 'say "x"', 'b,c', null, 1.5]]), 'a,"say ""x""","b,c",,1.5\r\n'));
