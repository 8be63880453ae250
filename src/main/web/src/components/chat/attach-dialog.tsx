import { useState } from 'react';
import { nameIn } from './attachment-card';
import { Dialog } from '@/components/ui/dialog';
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
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Attach by address"
      description="Send a link to an image or a file; it is shown as a card."
    >
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
          <span>Address</span>
          <input
            type="url"
            autoFocus
            value={address}
            placeholder="https://…"
            onChange={(event) => setAddress(event.target.value)}
            required
          />
        </label>
        <label className="field">
          <span>Text (optional)</span>
          <input
            type="text"
            value={caption}
            maxLength={500}
            onChange={(event) => setCaption(event.target.value)}
          />
        </label>
        {address.trim() !== '' && !valid && (
          <p className="field-problem" role="alert">
            An address begins with https:// or http://
          </p>
        )}
        <footer className="dialog-footer">
          <button type="button" className="button" onClick={() => onOpenChange(false)}>
            Cancel
          </button>
          <button type="submit" className="button button-main" disabled={!valid}>
            Send
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
