import assert from 'node:assert/strict';
import { test } from 'node:test';
import { daysOf, tokenOf } from './answer.ts';

test('the token of an address', () => {
    assert.equal(tokenOf('/answer/aB3-_x'), 'aB3-_x');
    assert.equal(tokenOf('/answer/aB3/'), 'aB3');
    assert.equal(tokenOf('/answer/a/b'), '');
    assert.equal(tokenOf('/answer/'), '');
});

test('days as people type them', () => assert.deepEqual(['', ' 14 ', '3,5', 'soon', '-1'].map(daysOf), [null, 14, 3.5, NaN, NaN]));
