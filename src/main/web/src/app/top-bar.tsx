import { Bell, BellOff, ChevronDown, Moon, Sun } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { DemoUser } from './demo';
import icon from './icon.svg';
import { Avatar } from '@/components/ui/avatar';
import { IconButton } from '@/components/ui/icon-button';
import { Menu, MenuItem, MenuLabel, MenuLine } from '@/components/ui/menu';
import { Opened } from '@/components/ui/opened';
import { part } from '@/components/ui/part';
import { MessagesNavItem } from '@/components/chat/messages-nav-item';
import { useChat, useStore } from '@/hooks/use-chat';
import { useTexts } from '@/hooks/use-texts';
import { keep, kept } from '@/lib/keep';
import type { PresenceStatus, User } from '@/lib/types';
import { isLanguage, LANGUAGES, type Language } from '@/texts';

const NotificationsDialog = part(
  async () => (await import('@/components/chat/notifications-dialog')).NotificationsDialog,
);

const STATUSES: PresenceStatus[] = ['online', 'away', 'busy'];

export interface TopBarProps {
  user: User;
  sound: boolean;
  onSound: (sound: boolean) => void;
  onLanguage: (language: Language) => void;
  /** In the demo: whom one may be instead. */
  users?: DemoUser[];
  onChoose?: (user: DemoUser) => void;
}

export function TopBar({ user, sound, onSound, onLanguage, users = [], onChoose }: TopBarProps) {
  const { t, language } = useTexts();
  const session = useChat();
  const { status } = useStore(session);
  const [dark, setDark] = useTheme();
  const [notifications, setNotifications] = useState(false);
  const teams = [...new Set(users.map(({ team_name }) => team_name))];
  return (
    <header className="top-bar">
      <a className="brand" href="/" aria-label={t.startPage}>
        <img src={icon} alt="" width={28} height={28} />
        <span>GPT Desk</span>
      </a>
      <nav aria-label={t.mainNavigation}>
        <MessagesNavItem href="/messages" current />
      </nav>
      <span className="top-bar-gap" />
      <IconButton label={sound ? t.soundOff : t.soundOn} onClick={() => onSound(!sound)}>
        {sound ? <Bell size={19} /> : <BellOff size={19} />}
      </IconButton>
      <IconButton label={dark ? t.light : t.dark} onClick={() => setDark(!dark)}>
        {dark ? <Sun size={19} /> : <Moon size={19} />}
      </IconButton>
      <Menu
        trigger={
          <button
            type="button"
            className="me"
            aria-label={(users.length > 0 ? t.meInDemo : t.me)(user.full_name, t.statuses[status])}
          >
            <Avatar
              id={user.id}
              name={user.full_name}
              url={user.avatar_url ?? null}
              status={status}
              size="small"
            />
            <span className="me-name">{user.full_name}</span>
            <ChevronDown size={15} aria-hidden="true" />
          </button>
        }
      >
        <MenuLabel>{t.yourStatus}</MenuLabel>
        {STATUSES.map((value) => (
          <MenuItem
            key={value}
            checked={status === value}
            icon={<span className={`presence-dot presence-${value} presence-inline`} />}
            onSelect={() => session.setStatus(value)}
          >
            {t.statuses[value]}
          </MenuItem>
        ))}
        <MenuLine />
        <MenuItem onSelect={() => setNotifications(true)}>{t.notificationsAsked}</MenuItem>
        <MenuLine />
        <MenuLabel>{t.language}</MenuLabel>
        {Object.entries(LANGUAGES).map(([value, name]) => (
          <MenuItem
            key={value}
            checked={language === value}
            onSelect={() => isLanguage(value) && onLanguage(value)}
          >
            <span lang={value}>{name}</span>
          </MenuItem>
        ))}
        {teams.map((team) => (
          <div key={team} role="group" aria-label={t.beSomebody(team)}>
            <MenuLine />
            <MenuLabel>{t.beSomebody(team)}</MenuLabel>
            {users
              .filter(({ team_name }) => team_name === team)
              .map((one) => (
                <MenuItem
                  key={one.id}
                  checked={one.id === user.id}
                  icon={<Avatar id={one.id} name={one.full_name} size="small" />}
                  onSelect={() => onChoose?.(one)}
                >
                  {one.full_name}
                </MenuItem>
              ))}
          </div>
        ))}
      </Menu>
      <Opened when={notifications}>
        <NotificationsDialog open={notifications} onOpenChange={setNotifications} />
      </Opened>
    </header>
  );
}

/** The system's choice until one is made here. */
function useTheme(): [boolean, (dark: boolean) => void] {
  const [theme, setTheme] = useState(() => kept('theme'));
  const [system, setSystem] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const changed = () => setSystem(query.matches);
    query.addEventListener('change', changed);
    return () => query.removeEventListener('change', changed);
  }, []);
  useEffect(() => {
    if (theme) {
      document.documentElement.dataset.theme = theme;
    }
  }, [theme]);
  const set = (dark: boolean) => {
    keep('theme', dark ? 'dark' : 'light');
    setTheme(dark ? 'dark' : 'light');
  };
  return [theme ? theme === 'dark' : system, set];
}
