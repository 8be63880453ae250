// What emojibase does not have: the names of emoji in Arabic, by CLDR and by Intl, and of their groups.
import cldr from 'cldr-annotations-full/annotations/ar/annotations.json';

const known: Record<string, { default?: string[]; tts?: string[] }> = cldr.annotations.annotations;
const regions = new Intl.DisplayNames('ar', { type: 'region' });
const FLAG = /^[\u{1F1E6}-\u{1F1FF}]{2}$/u;
const FIRST_LETTER = 0x1f1e6; // of a flag

export const groups: Record<string, string> = {
  'smileys-emotion': 'الوجوه والمشاعر',
  'people-body': 'الأشخاص والجسم',
  'animals-nature': 'الحيوانات والطبيعة',
  'food-drink': 'الطعام والشراب',
  'travel-places': 'السفر والأماكن',
  activities: 'الأنشطة',
  objects: 'الأشياء',
  symbols: 'الرموز',
  flags: 'الأعلام',
};

export const tones: Record<string, string> = {
  light: 'بشرة بلون فاتح',
  'medium-light': 'بشرة بلون فاتح ومعتدل',
  medium: 'بشرة بلون معتدل',
  'medium-dark': 'بشرة بلون معتدل مائل للغامق',
  dark: 'بشرة بلون غامق',
};

/** Its name, and words to search by; of what is joined of others their names. */
export function named(emoji: string): { label: string; tags: string[] } | null {
  if (FLAG.test(emoji)) {
    const letters = [...emoji].map((one) =>
      String.fromCharCode(65 + one.codePointAt(0)! - FIRST_LETTER),
    );
    return { label: `علم ${regions.of(letters.join(''))}`, tags: [] };
  }
  const found = [emoji, emoji.replaceAll('\uFE0F', '')].map((key) => known[key]).find(Boolean);
  if (found?.tts) {
    return { label: found.tts[0]!, tags: found.default ?? [] };
  }
  const parts = emoji.split('\u200D');
  const names = parts.length > 1 ? parts.map((part) => named(part)) : [null];
  return names.every((name) => name !== null)
    ? { label: names.map(({ label }) => label).join('، '), tags: names.flatMap(({ tags }) => tags) }
    : null;
}
