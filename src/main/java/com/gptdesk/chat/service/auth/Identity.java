package com.gptdesk.chat.service.auth;

import com.gptdesk.chat.database.Caller;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The identity in a verified token.
 *
 * @param role one of anon, authenticated, service_role; never that of the relay
 * @param userId the token's {@code sub}; always there for {@code authenticated}
 * @param expiresAt when the token expires; null for a key that is not a token
 * @param claims the token's claims as JSON object text, with {@code role} filled in
 */
public record Identity(
    Caller.Role role, @Nullable UUID userId, @Nullable Instant expiresAt, String claims) {

  /** Anonymous: no token, the anon key, or a publishable key. */
  public static Identity anonymous() {
    return new Identity(Caller.Role.ANON, null, null, Caller.anonymous().claims());
  }

  /** The caller for the database. */
  public Caller caller() {
    return new Caller(role, claims);
  }

  /** Whether this is anonymous, even with a token. */
  public boolean isAnonymous() {
    return role == Caller.Role.ANON;
  }
}
