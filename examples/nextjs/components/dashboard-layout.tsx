'use client';

import { messagesNavigation, useUnreadCount } from '@gptdesk/chat-react';
import { Home } from 'lucide-react';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import type { ReactNode } from 'react';
import { useAuth } from './chat';
import { ENABLE_USER_CHAT } from '@/lib/switches';

const navigationItems = [
  { name: 'Overview', href: '/dashboard/user', icon: Home, description: 'What there is to do' },
  ...(ENABLE_USER_CHAT ? [messagesNavigation] : []),
];

export function DashboardLayout({ name, children }: { name: string; children: ReactNode }) {
  const { ready } = useAuth();
  const path = usePathname();
  return (
    <div className="dashboard">
      <header>
        <strong>Desk</strong> <span>{name}</span>
      </header>
      <nav>
        {navigationItems.map(({ name, href, icon: Icon, description }) => (
          <Link
            key={href}
            href={href}
            title={description}
            aria-current={path === href ? 'page' : undefined}
          >
            <Icon size={18} aria-hidden="true" />
            {name}
            {ready && href === messagesNavigation.href && <Unread />}
          </Link>
        ))}
      </nav>
      <main>{children}</main>
      <footer>
        <button>Help</button>
      </footer>
    </div>
  );
}

function Unread() {
  const unread = useUnreadCount();
  return unread > 0 && <span className="badge">{unread}</span>;
}
