package com.gptdesk.chat.policies;

import com.gptdesk.chat.database.Caller.Role;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A column of the matrix: somebody who tries, with a role and a token's claims. */
public enum Persona {
  /** Participant. */
  ALICE("Alice", Role.AUTHENTICATED, "alice", "{\"sub\":\"%s\",\"role\":\"authenticated\"}"),
  /** The other participant. */
  BOB("Bob", Role.AUTHENTICATED, "bob", "{\"sub\":\"%s\",\"role\":\"authenticated\"}"),
  /** Of their team, without a conversation. */
  CAROL("Carol", Role.AUTHENTICATED, "carol", "{\"sub\":\"%s\",\"role\":\"authenticated\"}"),
  /** Has a conversation with Alice, and has left the team since. */
  DAVE("Dave", Role.AUTHENTICATED, "dave", "{\"sub\":\"%s\",\"role\":\"authenticated\"}"),
  /** Has a conversation with Alice, who has blocked her since. */
  ERIN("Erin", Role.AUTHENTICATED, "erin", "{\"sub\":\"%s\",\"role\":\"authenticated\"}"),
  /** Has a conversation with Alice, and is no longer active. */
  IVAN("Ivan", Role.AUTHENTICATED, "ivan", "{\"sub\":\"%s\",\"role\":\"authenticated\"}"),
  /** Of another team. */
  MALLORY("Mallory", Role.AUTHENTICATED, "mallory", "{\"sub\":\"%s\",\"role\":\"authenticated\"}"),
  /** Mallory again, with claims that say more than is true. */
  FORGED(
      "forged",
      Role.AUTHENTICATED,
      "mallory",
      "{\"sub\":\"%s\",\"role\":\"service_role\",\"status\":\"active\",\"is_admin\":true,"
          + "\"team_id\":\"%2$s\",\"app_metadata\":{\"team_id\":\"%2$s\",\"role\":\"service_role\"}}"),
  /** Signed in, without a claim. */
  NOBODY("nobody", Role.AUTHENTICATED, null, ""),
  /** The role of those without a token, with Alice's claims all the same. */
  ANON("anon", Role.ANON, "alice", "{\"sub\":\"%s\",\"role\":\"anon\"}"),
  /** One of the platform's servers. */
  SERVICE("service", Role.SERVICE_ROLE, null, "{\"role\":\"service_role\"}"),
  /** The relay, which has functions of its own and sees no table. */
  RELAY("relay", "chat_relay", null, "{\"role\":\"chat_relay\"}"),
  /** What the service's login is before it becomes one of the others. */
  LOGIN("login", "chat_service", null, "");

  private final String label;
  private final String role;
  private final @Nullable String who;
  private final String claims;

  Persona(String label, Role role, @Nullable String who, String claims) {
    this(label, role.sqlName(), who, claims);
  }

  Persona(String label, String role, @Nullable String who, String claims) {
    this.label = label;
    this.role = role;
    this.who = who;
    this.claims = claims;
  }

  /** The heading of the column. */
  public String label() {
    return label;
  }

  /** The role that a token gives; for one that none gives that of everybody who is signed in. */
  Role tokensRole() {
    return Stream.of(Role.ANON, Role.SERVICE_ROLE)
        .filter(known -> known.sqlName().equals(role))
        .findFirst()
        .orElse(Role.AUTHENTICATED);
  }

  /** The database's role. */
  String role() {
    return role;
  }

  /** Whose id {@code :me} is; null for nobody's. */
  @Nullable String who() {
    return who;
  }

  /** The claims, where this person has that id and Alice's team this one. */
  String claims(String id, String blue) {
    return claims.formatted(id, blue);
  }
}
