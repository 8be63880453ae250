import { useEffect } from 'react';
import { useStore } from './use-chat';
import {
  followNotificationChoice,
  notificationChoice,
  type NotificationChoice,
} from '@/lib/notifications';

/** Whether this device shows messages on the desktop, and how much of them. */
export function useNotificationChoice(): NotificationChoice {
  useEffect(followNotificationChoice, []);
  return useStore(notificationChoice);
}
