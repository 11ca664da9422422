/* Short messages at the edge of the screen. Good news goes by itself, a problem stays until it is closed. */
import { sentence } from '../data/problem.ts';

export interface Note {
    id: number;
    kind: 'ok' | 'bad';
    text: string;
}

const STAY_MS = 6000;
const MOST = 4;

class Toasts {
    notes = $state<Note[]>([]);
    private next = 1;

    ok(text: string): void {
        const id = this.add('ok', text);
        setTimeout(() => this.close(id), STAY_MS);
    }

    /** Say what went wrong; a lost session needs no words, the sign-in has them. */
    problem(error: unknown): void {
        if (error instanceof Error && error.name === 'AbortError') return;
        if ((error as { status?: number })?.status === 401) return;
        this.add('bad', sentence(error));
    }

    close(id: number): void {
        this.notes = this.notes.filter((n) => n.id !== id);
    }

    private add(kind: Note['kind'], text: string): number {
        const id = this.next++;
        this.notes = [...this.notes.filter((n) => n.text !== text), { id, kind, text }].slice(-MOST);
        return id;
    }
}

export const toast = new Toasts();
