'use client';

import { MessagesPage } from '@gptdesk/chat-react';
import '@gptdesk/chat-react/styles.css';
import { useRouter } from 'next/navigation';
import { useAuth } from '@/components/chat';

/** The specification's page. The open conversation is the rest of the path, which the chat reads itself. */
export default function Messages() {
  const { user, ready } = useAuth();
  const router = useRouter();
  return ready ? (
    <MessagesPage
      user={user}
      basePath="/dashboard/user/messages"
      onSignIn={() => router.push('/sign-in')}
    />
  ) : (
    <p role="status">Opening the chat …</p>
  );
}
