package com.gptdesk.chat.database.migration;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.testing.TestServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Databases that were there before the chat: GPT Desk's and Supabase's. Each on a server for it.
 */
public final class Platforms {

  private static final String DATABASE = "platform";

  private Platforms() {}

  /**
   * GPT Desk's database, owned by {@code gpt_desk}, with data in it.
   *
   * @return the chat's owner there, who owns none of it
   */
  public static Login gptDesk(TestServer server) {
    Login superuser = server.superuser();
    run(superuser, "create role gpt_desk login password 'gpt desk'");
    for (String role : List.of("anon", "authenticated", "service_role")) {
      run(superuser, "create role %s nologin noinherit".formatted(role));
    }
    grantRoles(superuser, "chat_owner");
    run(superuser, "create database %s owner gpt_desk".formatted(DATABASE));
    run(superuser, "grant create on database %s to chat_owner".formatted(DATABASE));
    runFile(new Login(superuser.url(), "gpt_desk", "gpt desk"), server, "gpt-desk.sql");
    return server.at(server.owner(), DATABASE);
  }

  /**
   * A project's database of Supabase's. The server's first superuser is called {@code
   * supabase_bootstrap} from now on, and {@code postgres} is no superuser, as there.
   *
   * @return {@code postgres}, who migrates
   */
  static Login supabase(TestServer server) {
    Login postgres = server.superuser();
    Login admin = new Login(postgres.url(), "supabase_admin", "supabase admin");
    run(postgres, "create role supabase_admin login superuser password 'supabase admin'");
    run(admin, "alter role postgres rename to supabase_bootstrap");
    run(
        admin,
        "create role postgres login createrole createdb replication bypassrls password '%s'"
            .formatted(postgres.password()));
    run(admin, "create database %s owner supabase_admin".formatted(DATABASE));
    run(admin, "grant all on database %s to postgres".formatted(DATABASE));
    runFile(admin, server, "supabase.sql");
    return server.at(postgres, DATABASE);
  }

  /** The superuser at {@link #gptDesk}'s and {@link #supabase}'s database. */
  static Login supabaseAdmin(TestServer server) {
    return server.at(
        new Login(server.superuser().url(), "supabase_admin", "supabase admin"), DATABASE);
  }

  /** The rights that the chat's owner needs to let chat_service become the platform's roles. */
  static void grantRoles(Login superuser, String owner) {
    run(
        superuser,
        "grant anon, authenticated, service_role to %s with admin option".formatted(owner));
  }

  public static void run(Login login, String sql) {
    try (Connection connection = login.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }

  /** The first column. */
  static List<String> read(Login login, String query) {
    try (Connection connection = login.connect();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(query)) {
      List<String> values = new ArrayList<>();
      while (rows.next()) {
        values.add(String.valueOf(rows.getString(1)));
      }
      return values;
    } catch (SQLException e) {
      throw new IllegalStateException(query, e);
    }
  }

  private static void runFile(Login login, TestServer server, String name) {
    try (InputStream file = Platforms.class.getResourceAsStream("/platform/" + name)) {
      String sql = new String(Objects.requireNonNull(file).readAllBytes(), StandardCharsets.UTF_8);
      run(server.at(login, DATABASE), sql);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
