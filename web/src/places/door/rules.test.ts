import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ready, rules } from './rules.ts';

const states = (password: string, again: string, names: string[] = []): string => rules(password, again, names).map((r) => r.state[1]).join('');

test('the rules follow what is typed', () => {
    assert.equal(states('', ''), 'aaaaa');
    assert.equal(states('short', ''), 'iieaa');
    assert.equal(states('kelp-Anchor-7', 'kelp-Anchor'), 'eeeia');
    assert.equal(states('kelp-Anchor-7', 'kelp-Anchor-7'), 'eeeea');
    assert.equal(states('M.Weber-Anchor-7', 'M.Weber-Anchor-7', ['m.weber']), 'eeiea');
});

test('ready when all that the page can check is met', () => {
    assert.equal(ready(rules('kelp-Anchor-7', 'kelp-Anchor-7', ['m.weber'])), true);
    assert.equal(ready(rules('kelp-anchor-x', 'kelp-anchor-x', [])), false);
});

test('length counts characters, not code units', () => {
    assert.equal(rules('🜂'.repeat(11) + 'aA1'.slice(0, 0), '', [])[0]!.word, '11');
});
