import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { useTexts } from '@/hooks/use-texts';
import { serverNow } from '@/lib/server-clock';

const HOUR = 3_600_000;
const MORNING = 8; // o'clock, by the clock of this device

/** For how long a conversation is to be silent. */
export function MuteDialog({
  name,
  open,
  onOpenChange,
  onMute,
}: {
  name: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** Until a moment, or 'infinity'. */
  onMute: (until: string) => void;
}) {
  const { t, times } = useTexts();
  const morning = new Date(serverNow());
  morning.setDate(morning.getDate() + 1);
  morning.setHours(MORNING, 0, 0, 0);
  const inHours = (hours: number) => new Date(serverNow() + hours * HOUR).toISOString();
  const choices: [string, () => string][] = [
    [t.forHours(1), () => inHours(1)],
    [t.forHours(8), () => inHours(8)],
    [t.untilTomorrow(times.clock(morning.toISOString())), () => morning.toISOString()],
    [t.always, () => 'infinity'],
  ];
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={t.muteQuestion(name)}
      description={t.muteAbout}
    >
      <div className="choices">
        {choices.map(([label, until]) => (
          <Button
            key={label}
            onClick={() => {
              onOpenChange(false);
              onMute(until());
            }}
          >
            {label}
          </Button>
        ))}
      </div>
    </Dialog>
  );
}
