import { redirect } from 'next/navigation';
import { PEOPLE, signIn } from '@/lib/session';

export default function SignIn() {
  async function choose(form: FormData) {
    'use server';
    await signIn(String(form.get('person')));
    redirect('/dashboard/user');
  }
  return (
    <form action={choose}>
      <h1>Sign in</h1>
      {PEOPLE.map(({ id, full_name }) => (
        <button key={id} name="person" value={id}>
          {full_name}
        </button>
      ))}
    </form>
  );
}
