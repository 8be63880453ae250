package com.gptdesk.chat.service.auth;

import com.gptdesk.chat.database.Caller;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Who a verified token speaks for.
 *
 * @param role one of anon, authenticated, service_role; never the relay's
 * @param userId the token's {@code sub}; always there for {@code authenticated}
 * @param expiresAt when the token ends; null for a key that is no token
 * @param claims the token's claims as JSON object text, with {@code role} filled in
 */
public record Identity(
    Caller.Role role, @Nullable UUID userId, @Nullable Instant expiresAt, String claims) {

  /** Somebody without a name: no token, the anon key, or a publishable key. */
  public static Identity anonymous() {
    return new Identity(Caller.Role.ANON, null, null, Caller.anonymous().claims());
  }

  /** As whom the database is asked. */
  public Caller caller() {
    return new Caller(role, claims);
  }

  /** Whether this is nobody in particular, even when a token said so. */
  public boolean isAnonymous() {
    return role == Caller.Role.ANON;
  }
}
