package com.gptdesk.chat.database;

import java.util.List;
import java.util.UUID;

/**
 * As whom a transaction runs.
 *
 * @param role the database role it takes
 * @param claims the token's claims, a JSON object as text with {@code role} filled in; {@code
 *     auth.uid()} and the policies read it
 */
public record Caller(Role role, String claims) {

  /** The roles that a transaction may take, and no others. */
  public static final class Role {

    /** Somebody without a name. */
    public static final Role ANON = new Role("anon");

    /** A person, named by the claims. */
    public static final Role AUTHENTICATED = new Role("authenticated");

    /** GPT Desk's own servers. */
    public static final Role SERVICE_ROLE = new Role("service_role");

    /** Our relay, which reads the change log and looks after presence and partitions. */
    static final Role RELAY = new Role("chat_relay");

    static final List<Role> ALL = List.of(ANON, AUTHENTICATED, SERVICE_ROLE, RELAY);

    private final String sqlName;

    private Role(String sqlName) {
      this.sqlName = sqlName;
    }

    /**
     * The role's name in the database.
     *
     * @return for instance {@code service_role}
     */
    public String sqlName() {
      return sqlName;
    }

    @Override
    public String toString() {
      return sqlName;
    }
  }

  /**
   * A person, with nothing in the claims but who that is.
   *
   * @param id the person's id, a token's {@code sub}
   * @return that person
   */
  public static Caller user(UUID id) {
    return new Caller(Role.AUTHENTICATED, "{\"sub\":\"" + id + "\",\"role\":\"authenticated\"}");
  }

  /**
   * One of GPT Desk's own servers, who sees all.
   *
   * @return that caller
   */
  public static Caller service() {
    return of(Role.SERVICE_ROLE);
  }

  /**
   * Somebody without a name, who sees nothing.
   *
   * @return that caller
   */
  public static Caller anonymous() {
    return of(Role.ANON);
  }

  /** The relay, which reads the change log. */
  static Caller relay() {
    return of(Role.RELAY);
  }

  private static Caller of(Role role) {
    return new Caller(role, "{\"role\":\"" + role.sqlName() + "\"}");
  }
}
