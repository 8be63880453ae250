import { Link2, Paperclip, Pencil, Reply, SendHorizontal, Smile, X } from 'lucide-react';
import {
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type ClipboardEvent,
  type KeyboardEvent,
} from 'react';
import { AnsweredMessage } from './answered-message';
import { EmojiPopover } from './emoji-popover';
import { IconButton } from '@/components/ui/icon-button';
import { Textarea } from '@/components/ui/input';
import { Opened } from '@/components/ui/opened';
import { part } from '@/components/ui/part';
import type { Attachments } from '@/hooks/use-attachments';
import { useSettings } from '@/hooks/use-chat';
import { useTexts } from '@/hooks/use-texts';
import { keep, kept, onKept } from '@/lib/keep';
import type { Draft } from '@/lib/outbox';
import { isComposing } from '@/lib/script';
import type { ChatMessage } from '@/lib/types';

const AttachDialog = part(async () => (await import('./attach-dialog')).AttachDialog);
const FileTray = part(async () => (await import('./file-tray')).FileTray);

export interface MessageInputProps {
  onSendMessage: (draft: Draft) => void;
  onTyping?: () => void;
  /** Files to send, as useAttachments has them; without it none can be attached. */
  attachments?: Attachments | null;
  /** What is written is kept under this name until it is sent. */
  draftKey?: string;
  placeholder?: string;
  /** The message that is being edited, in place of a new one. */
  editing?: ChatMessage | null;
  onEdited?: (message: ChatMessage, content: string) => void;
  onEditEnd?: () => void;
  /** The message that the next one answers. */
  replying?: { message: ChatMessage; name: string } | null;
  onReplyEnd?: () => void;
  /** ArrowUp in an empty field. */
  onEditLast?: () => void;
}

/** Enter sends, Shift+Enter makes a new line, Escape ends an edit. */
export function MessageInput({
  onSendMessage,
  onTyping,
  attachments = null,
  draftKey,
  placeholder,
  editing = null,
  onEdited,
  onEditEnd,
  replying = null,
  onReplyEnd,
  onEditLast,
}: MessageInputProps) {
  const { t, number } = useTexts();
  const label = placeholder ?? t.write;
  const [text, setText] = useState(() => (draftKey && kept(`draft:${draftKey}`)) || '');
  const [choosing, setChoosing] = useState(false);
  const [attaching, setAttaching] = useState(false);
  const beforeEdit = useRef<string | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const caret = useRef<number | null>(null); // where it is to stand once the text is shown
  const { maxMessageLength } = useSettings();
  const left = maxMessageLength - [...text.trim()].length; // as the database counts: characters, not UTF-16 units
  const files = editing ? [] : (attachments?.files ?? []);
  const sendable = (text.trim() !== '' || files.length > 0) && left >= 0;

  useEffect(() => {
    if (editing) {
      beforeEdit.current ??= text;
      setText(editing.content);
      field.current?.focus();
    } else if (beforeEdit.current !== null) {
      setText(beforeEdit.current);
      beforeEdit.current = null;
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the text of the moment when the edit begins
  }, [editing]);

  const attached = attachments?.files.length ?? 0;
  useEffect(() => {
    if (attached > 0) {
      field.current?.focus();
    }
  }, [attached]);

  const answered = replying?.message.id;
  useEffect(() => {
    if (answered) {
      field.current?.focus();
    }
  }, [answered]);

  // Kept as it is written here and never as it is shown: a tab that follows another would write old words over newer ones.
  const write = (words: string) => {
    setText(words);
    if (draftKey && !editing) {
      keep(`draft:${draftKey}`, words);
    }
  };

  // Another tab sent the draft or went on with it: a field that holds the same draft follows.
  useEffect(() => {
    if (!draftKey) {
      return;
    }
    return onKept(`draft:${draftKey}`, (now, before) => {
      if (beforeEdit.current === null) {
        setText((held) => (held === (before ?? '') ? (now ?? '') : held));
      }
    });
  }, [draftKey]);

  // As high as its text, up to a limit that the style sheet sets.
  useLayoutEffect(() => {
    const area = field.current!;
    area.style.height = 'auto';
    area.style.height = `${area.scrollHeight}px`;
    if (caret.current !== null) {
      area.setSelectionRange(caret.current, caret.current);
      caret.current = null;
    }
  }, [text]);

  const insert = (words: string) => {
    const { selectionStart, selectionEnd } = field.current!;
    caret.current = selectionStart + words.length;
    write(text.slice(0, selectionStart) + words + text.slice(selectionEnd));
  };

  const submit = () => {
    if (!sendable) {
      return;
    }
    if (editing) {
      onEdited?.(editing, text.trim());
      onEditEnd?.();
      return;
    }
    // One message for each file; what is written goes with the first.
    const taken = attachments?.take() ?? [];
    const words = text.trim();
    if (taken.length === 0) {
      onSendMessage({ content: words });
    }
    taken.forEach((file, place) => onSendMessage({ content: place === 0 ? words : '', file }));
    write('');
    field.current?.focus();
  };

  const pasted = (event: ClipboardEvent) => {
    const { files: found, types } = event.clipboardData;
    // Of a text with marks, office programs also give a picture.
    const isText = types.includes('text/plain') && types.includes('text/html');
    if (attachments && !editing && found.length > 0 && !isText) {
      event.preventDefault();
      attachments.add(found);
    }
  };

  const pressed = (event: KeyboardEvent) => {
    if (isComposing(event)) {
      return; // Enter that chooses a word is no Enter of ours
    }
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === 'Escape' && editing) {
      onEditEnd?.();
    } else if (event.key === 'Escape' && replying) {
      onReplyEnd?.();
    } else if (event.key === 'ArrowUp' && text === '' && !editing) {
      event.preventDefault();
      onEditLast?.();
    }
  };

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {editing && (
        <div className="composer-edit">
          <Pencil size={14} aria-hidden="true" />
          <span>{t.editing}</span>
          <IconButton label={t.cancelEdit} onClick={onEditEnd}>
            <X size={16} />
          </IconButton>
        </div>
      )}
      {replying && !editing && (
        <div className="composer-edit" role="group" aria-label={t.replyingTo(replying.name)}>
          <Reply className="flips" size={14} aria-hidden="true" />
          <AnsweredMessage message={replying.message} name={replying.name} />
          <IconButton label={t.cancelReply} onClick={onReplyEnd}>
            <X size={16} />
          </IconButton>
        </div>
      )}
      {attachments && (
        <Opened when={!editing && (files.length > 0 || attachments.tooLarge.length > 0)}>
          {!editing && <FileTray attachments={attachments} />}
        </Opened>
      )}
      <div className="composer-row">
        <Textarea
          ref={field}
          rows={1}
          value={text}
          dir={text === '' ? undefined : 'auto'}
          placeholder={label}
          aria-label={label}
          aria-describedby={left <= 100 ? 'composer-left' : undefined}
          aria-invalid={left < 0}
          onChange={(event) => {
            write(event.target.value);
            if (event.target.value.trim() !== '' && !editing) {
              onTyping?.();
            }
          }}
          onKeyDown={pressed}
          onPaste={pasted}
        />
        <EmojiPopover
          open={choosing}
          onOpenChange={setChoosing}
          label={t.emoji}
          onChoose={insert}
          onClosed={() => field.current?.focus()}
          trigger={
            <IconButton label={t.emoji}>
              <Smile size={20} />
            </IconButton>
          }
        />
        <IconButton
          label={t.attach}
          className="composer-attach"
          disabled={editing !== null}
          onClick={() => setAttaching(true)}
        >
          <Link2 size={20} />
        </IconButton>
        {attachments && (
          <>
            <IconButton
              label={t.attachFiles}
              className="composer-attach"
              disabled={editing !== null}
              onClick={() => chooser.current?.click()}
            >
              <Paperclip size={19} />
            </IconButton>
            <input
              ref={chooser}
              type="file"
              multiple
              hidden
              tabIndex={-1}
              aria-label={t.attachFiles}
              accept={attachments.accept}
              onChange={({ currentTarget }) => {
                attachments.add([...(currentTarget.files ?? [])]);
                currentTarget.value = ''; // so that the same file may be chosen again
              }}
            />
          </>
        )}
        {left <= 100 && (
          <span
            id="composer-left"
            className={`composer-left${left < 0 ? ' composer-over' : ''}`}
            role="status"
          >
            <span aria-hidden="true">{number(left)}</span>
            <span className="unseen">
              {left < 0 ? t.charactersOver(-left) : t.charactersLeft(left)}
            </span>
          </span>
        )}
        <button
          type="submit"
          className="send-button"
          disabled={!sendable}
          aria-label={editing ? t.save : t.send}
          title={editing ? t.save : t.send}
        >
          <SendHorizontal className="flips" size={19} />
        </button>
      </div>
      <Opened when={attaching}>
        <AttachDialog open={attaching} onOpenChange={setAttaching} onAttach={onSendMessage} />
      </Opened>
    </form>
  );
}
