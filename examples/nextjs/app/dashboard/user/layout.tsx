import { redirect } from 'next/navigation';
import type { ReactNode } from 'react';
import { Chat } from '@/components/chat';
import { DashboardLayout } from '@/components/dashboard-layout';
import { signedIn } from '@/lib/session';

export default async function UserLayout({ children }: { children: ReactNode }) {
  const user = await signedIn();
  if (!user) {
    redirect('/sign-in');
  }
  return (
    <Chat user={user}>
      <DashboardLayout name={user.full_name}>{children}</DashboardLayout>
    </Chat>
  );
}
