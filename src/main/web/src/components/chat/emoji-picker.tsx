// All emoji, by frimousse. Loaded with their names when somebody opens it, from the application itself.
import {
  EmojiPicker as Picker,
  type EmojiData,
  type EmojiPickerListEmojiProps,
  type EmojiPickerListRowProps,
  type SkinTone,
} from 'frimousse';
import { Button } from '@/components/ui/button';
import { useTexts } from '@/hooks/use-texts';

const TONES: Exclude<SkinTone, 'none'>[] = [
  'light',
  'medium-light',
  'medium',
  'medium-dark',
  'dark',
];

/** Names and words to search by. */
async function emojiIn(language: string): Promise<EmojiData> {
  const [{ default: emojis }, { default: messages }] = await (language === 'de'
    ? Promise.all([
        import('emojibase-data/de/compact.json'),
        import('emojibase-data/de/messages.json'),
      ])
    : Promise.all([
        import('emojibase-data/en/compact.json'),
        import('emojibase-data/en/messages.json'),
      ]));
  const arabic = language === 'ar' ? await import('@/texts/emoji-ar') : null;
  return {
    locale: language,
    emojis: emojis.flatMap(({ unicode, label, group, tags = [], skins = [] }) =>
      group === undefined
        ? [] // a part of others
        : {
            emoji: unicode,
            label,
            category: group,
            version: 0,
            tags,
            ...arabic?.named(unicode),
            ...(skins.length === TONES.length && {
              skins: Object.fromEntries(
                TONES.map((tone, i) => [tone, skins[i]!.unicode]),
              ) as Record<Exclude<SkinTone, 'none'>, string>,
            }),
          },
    ),
    categories: messages.groups
      .filter(({ key }) => key !== 'component')
      .map(({ key, order, message }) => ({ index: order, label: arabic?.groups[key] ?? message })),
    skinTones: Object.fromEntries(
      messages.skinTones.map(({ key, message }) => [key, arabic?.tones[key] ?? message]),
    ) as EmojiData['skinTones'],
  };
}

// frimousse numbers rows and columns from 0, which ARIA does not allow. Without a number each has its place in the order.

function Row({ 'aria-rowindex': _, ...rest }: EmojiPickerListRowProps) {
  return <div {...rest} />;
}

function Emoji({ emoji, 'aria-colindex': _, ...rest }: EmojiPickerListEmojiProps) {
  return (
    <button {...rest} type="button">
      {emoji.emoji}
    </button>
  );
}

/** A name in colons, which a service may take as a reaction. */
const NAME = /^:[a-z0-9_+-]+:$/;

export default function EmojiPicker({
  names = false,
  onChoose,
}: {
  /** Whether a name in colons may be chosen, too. */
  names?: boolean;
  onChoose: (emoji: string) => void;
}) {
  const { t, language } = useTexts();
  return (
    <Picker.Root
      className="emoji-picker"
      columns={8}
      locale={language}
      resolveEmojiData={() => emojiIn(language)}
      onEmojiSelect={({ emoji }) => onChoose(emoji)}
    >
      <div className="emoji-picker-top">
        <Picker.Search
          className="search-field"
          autoFocus
          placeholder={t.searchEmoji}
          aria-label={t.searchEmoji}
        />
        <Picker.SkinToneSelector
          className="icon-button"
          aria-label={t.skinTone}
          title={t.skinTone}
        />
      </div>
      <Picker.Viewport className="emoji-picker-pane">
        <Picker.Loading className="emoji-picker-words">{t.loading}</Picker.Loading>
        <Picker.Empty className="emoji-picker-words">
          {({ search }) =>
            names && NAME.test(search) ? (
              <Button onClick={() => onChoose(search)}>{search}</Button>
            ) : (
              t.nothingFound(search)
            )
          }
        </Picker.Empty>
        <Picker.List className="emoji-picker-list" components={{ Row, Emoji }} />
      </Picker.Viewport>
    </Picker.Root>
  );
}
