import { Dialog } from '@/components/ui/dialog';
import { useNotificationChoice } from '@/hooks/use-notification-choice';
import { useSettings, useStore } from '@/hooks/use-chat';
import { useTexts } from '@/hooks/use-texts';
import { showText, wantNotifications } from '@/lib/notifications';
import { pushState } from '@/lib/push';

/** Whether this device shows messages on the desktop, and how much of them. Says where the browser forbids it. */
export function NotificationsDialog({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const { t } = useTexts();
  const { permission, wanted, text } = useNotificationChoice();
  const forbidden =
    permission === 'unsupported'
      ? t.notificationsUnsupported
      : permission === 'denied' && t.notificationsDenied;
  const { pushKey } = useSettings();
  const push = useStore(pushState).is;
  const shows = permission === 'granted' && wanted === true;
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={t.notifications}
      description={t.notificationsAbout}
    >
      {forbidden && (
        <p className="field-problem" role="status">
          {forbidden}
        </p>
      )}
      <div className="choices">
        <label className="choice">
          <input
            type="checkbox"
            checked={shows}
            disabled={Boolean(forbidden)}
            onChange={({ target }) => void wantNotifications(target.checked)}
          />
          {t.showNotifications}
        </label>
        <label className="choice">
          <input
            type="checkbox"
            checked={text}
            disabled={!shows}
            onChange={({ target }) => showText(target.checked)}
          />
          {t.showText}
        </label>
      </div>
      {shows && pushKey !== null && push !== 'none' && (
        <p className="dialog-description" role="status">
          {push === 'on' ? t.pushOn : t.pushFailed}
        </p>
      )}
    </Dialog>
  );
}
