import { useState } from 'react';
import { nameIn } from './attachment-card';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { Input } from '@/components/ui/input';
import { useSettings } from '@/hooks/use-chat';
import { useTexts } from '@/hooks/use-texts';
import type { Draft } from '@/lib/outbox';

const IMAGE = /\.(png|jpe?g|gif|webp|avif|svg)$/i;

/** Files stay where they are: what is sent is their address. */
export function AttachDialog({
  open,
  onOpenChange,
  onAttach,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onAttach: (draft: Draft) => void;
}) {
  const { t } = useTexts();
  const { maxMessageLength } = useSettings();
  const [address, setAddress] = useState('');
  const [caption, setCaption] = useState('');
  const valid = URL.canParse(address.trim()) && /^https?:$/.test(new URL(address.trim()).protocol);
  const submit = () => {
    const url = new URL(address.trim());
    const name = nameIn(url.href);
    onAttach({
      content: caption.trim() || name,
      message_type: IMAGE.test(url.pathname) ? 'image' : 'file',
      file_url: url.href,
      file_name: name,
    });
    setAddress('');
    setCaption('');
    onOpenChange(false);
  };
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={t.attach} description={t.attachAbout}>
      <form
        className="fields"
        onSubmit={(event) => {
          event.preventDefault();
          event.stopPropagation(); // a portal's events reach the composer's form as well
          if (valid) {
            submit();
          }
        }}
      >
        <label className="field">
          <span>{t.address}</span>
          <Input
            type="url"
            autoFocus
            value={address}
            placeholder="https://…"
            onChange={(event) => setAddress(event.target.value)}
            required
          />
        </label>
        <label className="field">
          <span>{t.caption}</span>
          <Input
            type="text"
            value={caption}
            maxLength={maxMessageLength}
            onChange={(event) => setCaption(event.target.value)}
          />
        </label>
        {address.trim() !== '' && !valid && (
          <p className="field-problem" role="alert">
            {t.addressWrong}
          </p>
        )}
        <footer className="dialog-footer">
          <Button onClick={() => onOpenChange(false)}>{t.cancel}</Button>
          <Button type="submit" variant="default" disabled={!valid}>
            {t.send}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
