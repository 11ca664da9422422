import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, count, number, parseBytes, percent, short, span } from './format.ts';

const plain = (text: string): string => text.replace(/\u00a0/g, ' ');

test('numbers', () => {
    assert.equal(plain(number(41200)), '41 200');
    assert.equal(plain(number(-1234567.891, 2)), '−1 234 567.89');
    assert.equal(number(999), '999');
    assert.equal(number(NaN), '–');
    assert.equal(plain(percent(0.312)), '31.2 %');
    assert.equal(count(1, 'device'), '1 device');
    assert.equal(count(3, 'device'), '3 devices');
});

test('sizes', () => {
    assert.equal(plain(bytes(0)), '0 B');
    assert.equal(plain(bytes(3_420_000_000)), '3.42 GB');
    assert.equal(plain(bytes(999_600)), '1.00 MB');
    assert.equal(plain(short(41200)), '41.2 k');
});

test('spans of time', () => {
    for (const [us, text] of [[400_000, '0.4 s'], [90e6, '90 s'], [600e6, '10 min'], [8040e6, '2:14 h'], [259200e6, '3 d']] as const) assert.equal(plain(span(us)), text);
});

test('sizes as people type them', () => {
    for (const [text, value] of [['50 GB', 50e9], ['500M', 500e6], ['0', 0], ['1.5 TB', 1.5e12], ['4 KiB', 4096], ['2,5 g', NaN], ['ten', NaN]] as const) assert.equal(parseBytes(text), value, text);
});
