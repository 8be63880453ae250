package com.gptdesk.chat.spring;

import com.gptdesk.chat.database.migration.Platform;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties {@code gptdesk.chat.*}.
 *
 * @param claimsSecret Secret that the database wants claims to be signed with
 *     (chat.settings.claims_secret), at least 32 bytes. Without it claims are not signed.
 * @param migration Migration at start.
 * @param live Delivery of changes inside the application.
 */
@ConfigurationProperties("gptdesk.chat")
public record ChatProperties(
    @Nullable String claimsSecret, @DefaultValue Migration migration, @DefaultValue Live live) {

  /** Without the secret, since this may be logged. */
  @Override
  public String toString() {
    return "ChatProperties[%s, %s]".formatted(migration, live);
  }

  /**
   * The migration of the chat's part of the database.
   *
   * @param url JDBC URL for the owner. By default that of the data source.
   * @param username Owner of the chat's tables, by default spring.flyway.user. Without either,
   *     nothing is migrated, and a database that is behind is refused.
   * @param password Password of the owner, by default spring.flyway.password.
   * @param platform What the database has already. By default what it was made for, and standalone
   *     when it is empty.
   * @param order Whether the chat is migrated before or after the application's own Flyway.
   * @param admitLogin Whether the owner makes the data source's login a member of chat_service.
   */
  public record Migration(
      @Nullable String url,
      @Nullable String username,
      @Nullable String password,
      @Nullable Platform platform,
      @DefaultValue("after-flyway") Order order,
      @DefaultValue("true") boolean admitLogin) {

    /** Without the password, since this may be logged. */
    @Override
    public String toString() {
      return "Migration[%s at %s, %s, %s]".formatted(username, url, platform, order);
    }
  }

  /**
   * The connections on which the application hears changes.
   *
   * @param enabled Whether the application hears changes.
   * @param url JDBC URL of the primary, past a pooler in transaction mode. By default that of the
   *     data source.
   * @param username Runtime login, by default that of the data source.
   * @param password Password of the runtime login.
   */
  public record Live(
      @DefaultValue("true") boolean enabled,
      @Nullable String url,
      @Nullable String username,
      @Nullable String password) {

    /** Without the password, since this may be logged. */
    @Override
    public String toString() {
      return "Live[%s, %s at %s]".formatted(enabled, username, url);
    }
  }

  /** When the chat is migrated. */
  public enum Order {
    /** Before: the application's migrations may refer to the chat's tables. */
    BEFORE_FLYWAY,
    /** After: the chat may refer to tables that the application's migrations make. */
    AFTER_FLYWAY
  }
}
