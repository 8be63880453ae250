// Who is signed in. It stands for the application's own sign-in: here one picks a person of the chat's demo.
import { cookies } from 'next/headers';

export interface Person {
  id: string;
  full_name: string;
}

export const PEOPLE: Person[] = [
  { id: '00000000-0000-4000-a000-00000000000a', full_name: 'Alice Adams' },
  { id: '00000000-0000-4000-a000-00000000000b', full_name: 'Bob Brown' },
  { id: '00000000-0000-4000-a000-00000000000c', full_name: 'Carol Clark' },
];

const COOKIE = 'person';

export async function signedIn(): Promise<Person | null> {
  const id = (await cookies()).get(COOKIE)?.value;
  return PEOPLE.find((person) => person.id === id) ?? null;
}

export async function signIn(id: string): Promise<void> {
  (await cookies()).set(COOKIE, id, { httpOnly: true, sameSite: 'lax' });
}
