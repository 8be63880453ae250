package com.gptdesk.chat.plans;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * An identity provider finds one of twenty thousand people by an index, whatever it asks by: half
 * of them it has told of, half an operator has added. Asked of the very query inside the function,
 * by auto_explain.
 */
class ProvisionedPlanTest {
  private static final JsonMapper JSON = JsonMapper.shared();

  private static TestDatabase database;

  @BeforeAll
  static void fill() {
    database = TestDatabase.fresh();
    database.asOwner(
        """
        insert into public.users (id, email, full_name, status)
        select md5('person' || n)::uuid, 'Person' || n || '@example.org', 'Person ' || n, 'active'
        from generate_series(1, 20000) n;
        insert into chat.provisioned_people (user_id, user_name, external_id, attributes)
        select md5('person' || n)::uuid, 'Login' || n, 'external' || n, json_build_object('title', repeat('x', 300))
        from generate_series(1, 10000) n;
        analyze public.users, chat.provisioned_people
        """);
  }

  @AfterAll
  static void close() {
    database.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "user_id => md5('person77')::uuid",
        "user_name => 'LOGIN77'",
        "user_name => 'person10077@EXAMPLE.org'",
        "external_id => 'external77'"
      })
  void onePersonIsFoundByAnIndex(String by) throws SQLException {
    Login superuser = TestDatabase.server().superuser();
    try (Connection connection =
            new Login(database.owner().url(), superuser.user(), superuser.password()).connect();
        Statement statement = connection.createStatement()) {
      statement.execute(
          """
          load 'auto_explain';
          set auto_explain.log_min_duration = 0;
          set auto_explain.log_nested_statements = on;
          set auto_explain.log_analyze = on;
          set auto_explain.log_buffers = on;
          set auto_explain.log_timing = off;
          set auto_explain.log_format = json;
          set client_min_messages = log
          """);
      for (int call = 1; call <= 10; call++) { // a plan for any arguments would come after five
        statement.clearWarnings();
        try (ResultSet found =
            statement.executeQuery("select total from chat.provisioned(" + by + ")")) {
          assertTrue(found.next());
          assertEquals(1, found.getLong(1));
          assertFalse(found.next());
        }
        List<JsonNode> plans = plans(statement);
        assertFalse(plans.isEmpty());
        for (JsonNode plan : plans) {
          assertNothingIsReadWhole(plan);
          long pages =
              plan.get("Shared Hit Blocks").asLong() + plan.get("Shared Read Blocks").asLong();
          assertTrue(pages <= 40, () -> by + " reads " + pages + " pages: " + plan);
        }
      }
    }
  }

  /** Of the statements that read people. */
  private static List<JsonNode> plans(Statement statement) throws SQLException {
    List<JsonNode> plans = new ArrayList<>();
    for (SQLWarning told = statement.getWarnings(); told != null; told = told.getNextWarning()) {
      String text = String.valueOf(told.getMessage());
      if (text.contains("plan:") && text.contains("provisioned_people")) {
        plans.add(JSON.readTree(text.substring(text.indexOf('{'))).get("Plan"));
      }
    }
    return plans;
  }

  private static void assertNothingIsReadWhole(JsonNode plan) {
    String relation = plan.path("Relation Name").asString("");
    assertFalse(
        plan.get("Node Type").asString().equals("Seq Scan")
            && (relation.equals("users") || relation.equals("provisioned_people"))
            && plan.path("Actual Loops").asLong() > 0,
        () -> "It reads " + relation + " whole: " + plan);
    plan.path("Plans").forEach(ProvisionedPlanTest::assertNothingIsReadWhole);
  }
}
