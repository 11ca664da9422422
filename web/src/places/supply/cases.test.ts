import assert from 'node:assert/strict';
import { test } from 'node:test';
import { howLong, left, tally } from './cases.ts';

test('what is left of a clock', () => assert.deepEqual([5, 600, 11_100, 360_000, -90].map(left), ['5 s', '10 min', '3 h 05', '4 d 4 h', '1 min late']));
test('sites by what is known of them', () => assert.deepEqual(tally([{ status: 'potential' }, { status: 'confirmed' }, { status: 'potential' }]), [{ status: 'confirmed', count: 1 }, { status: 'potential', count: 2 }]));
test('how long', () => assert.deepEqual([
    { status: 'confirmed', down_days: 56 }, { status: 'confirmed', down_days: 9 }, { status: 'confirmed', down_days: null }, { status: 'potential', down_days: null }, { status: 'restored', was_down_days: 0.375 }
].map((s) => howLong(s as any)), ['8 weeks', '9 d', 'not said', 'asked', 'was 9 h']));
