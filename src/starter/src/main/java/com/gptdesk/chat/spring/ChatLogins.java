package com.gptdesk.chat.spring;

import com.gptdesk.chat.database.connection.Login;
import com.zaxxer.hikari.HikariDataSource;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.jdbc.DataSourceUnwrapper;
import org.springframework.core.env.Environment;
import org.springframework.util.ClassUtils;

/** The logins of the properties; what they leave out is that of the application's pool. */
record ChatLogins(ChatProperties properties, DataSource dataSource, Environment environment) {

  private static final boolean HIKARI =
      ClassUtils.isPresent("com.zaxxer.hikari.HikariDataSource", ChatLogins.class.getClassLoader());

  /** {@return who migrates; null when nobody is named} */
  @Nullable Login owner() {
    ChatProperties.Migration migration = properties.migration();
    String prefix = "spring.flyway";
    String user = migration.username();
    String password = migration.password();
    String url = migration.url();
    if (user == null) {
      user = environment.getProperty(prefix + ".user");
      password = environment.getProperty(prefix + ".password");
      url = url != null ? url : environment.getProperty(prefix + ".url");
    }
    if (user == null || user.isBlank()) {
      return null;
    }
    return new Login(url != null ? url : live().url(), user, password == null ? "" : password);
  }

  /**
   * The runtime login, for connections of its own.
   *
   * @throws IllegalStateException the pool does not tell it, and neither do the properties
   */
  Login live() {
    ChatProperties.Live live = properties.live();
    Login pooled = HIKARI ? Hikari.login(dataSource) : null;
    String url = live.url() != null || pooled == null ? live.url() : pooled.url();
    boolean named = live.username() != null || pooled == null;
    String user = named ? live.username() : pooled.user();
    String password = named ? live.password() : pooled.password();
    if (url == null || user == null) {
      throw new IllegalStateException(
          "The data source does not tell its URL and user, so they must be set: gptdesk.chat.live.url, gptdesk.chat.live.username and gptdesk.chat.live.password.");
    }
    return new Login(url, user, password == null ? "" : password);
  }

  /** Loaded only where there is such a pool. */
  private static final class Hikari {

    static @Nullable Login login(DataSource dataSource) {
      HikariDataSource pool = DataSourceUnwrapper.unwrap(dataSource, HikariDataSource.class);
      if (pool == null || pool.getJdbcUrl() == null || pool.getUsername() == null) {
        return null;
      }
      String password = pool.getPassword();
      return new Login(pool.getJdbcUrl(), pool.getUsername(), password == null ? "" : password);
    }
  }
}
