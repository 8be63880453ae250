// The chat's token of who is signed in here. The service verifies it with the same secret.
import { SignJWT } from 'jose';
import { signedIn } from '@/lib/session';

export async function POST() {
  const person = await signedIn();
  if (!person) {
    return new Response(null, { status: 401 });
  }
  const token = await new SignJWT({ role: 'authenticated' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(person.id)
    .setAudience('authenticated')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(process.env.CHAT_JWT_SECRET));
  return Response.json({ token });
}
