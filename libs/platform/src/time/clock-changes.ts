/** What is worth a record between two reports about the clock. */
import type { ClockReport, SourceReport } from '../clock-trust.js';

export type ClockChange =
  | { readonly what: 'source.lost' | 'source.recovered'; readonly source: SourceReport }
  | { readonly what: 'disagreement'; readonly sources: readonly SourceReport[] }
  | { readonly what: 'holdover.started' | 'holdover.ended' }
  | { readonly what: 'jumped'; readonly jumpMs: number }
  | { readonly what: 'floor'; readonly reason: string }
  | { readonly what: 'untrusted'; readonly code: string; readonly reason: string }
  | { readonly what: 'trusted' };

/** @param before absent at the first look: then a source that answers is no news, and one that does not is */
export function changesBetween(before: ClockReport | undefined, after: ClockReport): readonly ClockChange[] {
  const changes: ClockChange[] = [];
  for (const source of after.sources) {
    const known = before?.sources.find(({ name }) => name === source.name);
    const wasLost = known?.status === 'lost';
    if (source.status === 'lost' && !wasLost) changes.push({ what: 'source.lost', source });
    if (source.status !== 'lost' && wasLost) changes.push({ what: 'source.recovered', source });
  }
  const contradicting = contradictions(after);
  const names = contradicting.map(({ name }) => name).join(' ');
  const knownNames =
    before === undefined
      ? ''
      : contradictions(before)
          .map(({ name }) => name)
          .join(' ');
  if (names !== knownNames && contradicting.length > 0)
    changes.push({ what: 'disagreement', sources: contradicting });

  if (after.standing === 'holdover' && before?.standing !== 'holdover')
    changes.push({ what: 'holdover.started' });
  if (before?.standing === 'holdover' && after.standing !== 'holdover')
    changes.push({ what: 'holdover.ended' });
  if (after.code !== before?.code) {
    const { code, reason } = after;
    if (code === 'clock/below-floor' && reason !== undefined) changes.push({ what: 'floor', reason });
    if (code !== undefined && reason !== undefined) changes.push({ what: 'untrusted', code, reason });
    else if (before !== undefined) changes.push({ what: 'trusted' });
  }
  return changes;
}

function contradictions({ sources }: ClockReport): readonly SourceReport[] {
  return sources.filter(({ status }) => status === 'contradicts');
}
