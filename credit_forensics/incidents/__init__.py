"""What hangs together: findings grouped, dated, and what they share."""
