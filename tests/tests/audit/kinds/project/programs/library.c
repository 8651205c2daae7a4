/* A library without any call. */
int value = 1;

int *value_of(void)
{
    return &value;
}
