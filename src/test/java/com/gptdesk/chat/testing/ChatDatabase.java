package com.gptdesk.chat.testing;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Gives each test of the class a {@link ChatTestDatabase}, as a parameter of the test and of its
 * {@code BeforeEach} methods:
 *
 * <pre>{@code
 * @ChatDatabase(scripts = "/notes.sql")
 * class NotesTest {
 *   @Test
 *   void notesArePrivate(ChatTestDatabase database) {
 *     assertThat(database.mallory()).cannotRead("notes");
 *   }
 * }
 * }</pre>
 *
 * <p>Without {@link #image} or {@link #url} it is a PostgreSQL that the test starts itself, see
 * {@link ChatTestDatabase#fresh}. In texts, <code>${NAME}</code> is a system property or a variable
 * of the environment.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
@ExtendWith(ChatDatabaseExtension.class)
public @interface ChatDatabase {

  /**
   * A container's image, such as {@code postgres:17}. Wants Testcontainers on the class path. The
   * container runs until the JVM ends, and each test has a database of its own in it.
   *
   * @return empty for none
   */
  String image() default "";

  /**
   * A database that is there for tests, {@code jdbc:postgresql://…}. It is migrated when it is not
   * yet; all tests share it, and what they write stays.
   *
   * @return empty for none
   */
  String url() default "";

  /**
   * A superuser for {@link #url}.
   *
   * @return the name
   */
  String user() default "postgres";

  /**
   * The password of {@link #user}.
   *
   * @return the password
   */
  String password() default "";

  /**
   * Your own tables: resources with SQL that the owner runs before each test, in this order. At a
   * {@link #url} each runs once in a JVM; where that database stays, or several JVMs test it, it
   * must bear to be run again.
   *
   * @return their names, from the root of the class path
   */
  String[] scripts() default {};
}
