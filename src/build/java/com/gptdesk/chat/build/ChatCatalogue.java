package com.gptdesk.chat.build;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jooq.meta.ColumnDefinition;
import org.jooq.meta.DefaultColumnDefinition;
import org.jooq.meta.SchemaDefinition;
import org.jooq.meta.TableDefinition;
import org.jooq.meta.UDTDefinition;
import org.jooq.meta.postgres.PostgresDatabase;
import org.jooq.meta.postgres.PostgresTableValuedFunction;

/**
 * PostgreSQL as jOOQ reads it; the rows of a function that returns a composite type have that
 * type's attributes. jOOQ 3.19 sees one column of an unknown type there.
 */
public final class ChatCatalogue extends PostgresDatabase {

  private static final String SPECIFIC_NAME =
      "select specific_name from information_schema.routines where routine_schema = ? and routine_name = ?";

  @Override
  protected List<TableDefinition> getTables0() throws SQLException {
    List<TableDefinition> tables = new ArrayList<>();
    for (TableDefinition table : super.getTables0()) {
      tables.add(table instanceof PostgresTableValuedFunction ? new Function(table) : table);
    }
    return tables;
  }

  /** A function that returns rows. */
  static final class Function extends PostgresTableValuedFunction {

    Function(TableDefinition table) {
      super(table.getSchema(), table.getName(), specificName(table), table.getComment());
    }

    private static String specificName(TableDefinition table) {
      SchemaDefinition schema = table.getSchema();
      return String.valueOf(
          schema
              .getDatabase()
              .create()
              .fetchValue(SPECIFIC_NAME, schema.getInputName(), table.getName()));
    }

    @Override
    public List<ColumnDefinition> getElements0() throws SQLException {
      List<ColumnDefinition> columns = new ArrayList<>();
      for (var attribute : rowType().getAttributes()) {
        columns.add(
            new DefaultColumnDefinition(
                this,
                attribute.getName(),
                attribute.getPosition(),
                attribute.getDefinedType(),
                false,
                attribute.getComment()));
      }
      return columns;
    }

    /** The type of its rows. */
    UDTDefinition rowType() {
      try {
        String type = super.getElements0().getFirst().getDefinedType().getUserType();
        return getDatabase().getUDT(getSchema(), type);
      } catch (SQLException e) {
        throw new IllegalStateException("The rows of " + getName() + " have no type", e);
      }
    }
  }
}
