package com.gptdesk.chat.database.migration;

import com.gptdesk.chat.database.connection.Login;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * The owner's connections for migrations.
 *
 * @param name the owner's name in messages
 */
record MigrationLogin(DataSource dataSource, String name) {

  private static final String[] SETTINGS = {
    "client_min_messages", "lock_timeout", "statement_timeout", "search_path"
  };

  static MigrationLogin of(Login login) {
    return new MigrationLogin(login.dataSource(), login.toString());
  }

  /**
   * Uses a team's own connections, which may be pooled: settings that a migration makes for its
   * session are restored before a connection is returned.
   */
  static MigrationLogin borrowed(DataSource dataSource) {
    return new MigrationLogin(
        proxy(
            DataSource.class,
            (method, arguments) -> {
              Object result = invoke(dataSource, method, arguments);
              return result instanceof Connection connection ? givenBackClean(connection) : result;
            }),
        "the owner of this data source");
  }

  Connection connect() throws SQLException {
    return dataSource.getConnection();
  }

  @Override
  public String toString() {
    return name;
  }

  private static Connection givenBackClean(Connection connection) throws SQLException {
    boolean automatic = connection.getAutoCommit();
    boolean readOnly = connection.isReadOnly();
    String[] before = new String[SETTINGS.length];
    for (int i = 0; i < SETTINGS.length; i++) {
      before[i] = setting(connection, "select current_setting(?)", SETTINGS[i], null);
    }
    if (!automatic) {
      connection.rollback();
    }
    return proxy(
        Connection.class,
        (method, arguments) -> {
          if (method.getName().equals("close") && !connection.isClosed()) {
            if (!connection.getAutoCommit()) {
              connection.rollback();
            }
            connection.setReadOnly(readOnly);
            connection.setAutoCommit(true);
            for (int i = 0; i < SETTINGS.length; i++) {
              setting(connection, "select set_config(?, ?, false)", SETTINGS[i], before[i]);
            }
            connection.setAutoCommit(automatic);
          }
          return invoke(connection, method, arguments);
        });
  }

  private static String setting(
      Connection connection, String sql, String name, @Nullable String value) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setString(1, name);
      if (value != null) {
        statement.setString(2, value);
      }
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return String.valueOf(row.getString(1));
      }
    }
  }

  private interface Call {
    @Nullable Object answer(Method method, Object @Nullable [] arguments) throws Throwable;
  }

  private static <T> T proxy(Class<T> type, Call call) {
    return type.cast(
        Proxy.newProxyInstance(
            MigrationLogin.class.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> call.answer(method, arguments)));
  }

  private static @Nullable Object invoke(
      Object target, Method method, Object @Nullable [] arguments) throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause() == null ? e : e.getCause();
    }
  }
}
