import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layout, trace } from './columns.ts';

const nodes = [{ id: 'p1', column: 0 }, { id: 'p2', column: 0 }, { id: 'a', column: 1 }, { id: 'b', column: 1 }, { id: 's', column: 2 }];
const links = [{ from: 'p1', to: 'b', value: 4 }, { from: 'p2', to: 'a', value: 1 }, { from: 'a', to: 's', value: 1 }];
const box = { width: 600, node: 100, row: 14, top: 20 };

test('neighbours stand beside each other, so that lines do not cross', () => {
    const { nodes: at, lines, height } = layout(nodes, links, box);
    assert.equal(Math.sign(at.get('p1')!.y - at.get('p2')!.y), Math.sign(at.get('b')!.y - at.get('a')!.y));
    assert.equal(at.get('s')!.x, 500);
    assert.equal(height, 48);
    assert.ok(lines[0]!.width > lines[1]!.width);
    assert.match(lines[0]!.d, /^M100\.0 /);
});

test('a link to what is not there is left out, and nothing at all is no error', () => {
    assert.equal(layout(nodes, [{ from: 'p1', to: 'nobody', value: 1 }], box).lines.length, 0);
    assert.equal(layout([], [], box).nodes.size, 0);
});

test('traced both ways', () => {
    assert.deepEqual([...trace('a', links)].sort(), ['a', 'p2', 's']);
    assert.deepEqual([...trace('p1', links)].sort(), ['b', 'p1']);
});
